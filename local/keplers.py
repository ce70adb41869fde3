"""Applies the sample resources as a user would, and reads whether the Keplers among them are Ready."""

from dataclasses import dataclass
from pathlib import Path

from local.admin_client import Object, ObjectNotFound
from local.kubectl import Kubectl
from local.pki import NAMESPACE
from local.source import plural
from local.stack import Stack

KIND = "Kepler"
# Replaces missing fields of a condition.
UNSET: Object = {"type": "", "status": "", "reason": "", "message": ""}


@dataclass(frozen=True)
class WatchedKepler:
    """A Kepler as it was last read; `content` is empty if it does not exist."""

    namespace: str
    name: str
    content: Object

    @property
    def ready(self) -> bool:
        """Return whether its condition `Ready` is true for the current generation."""
        generation = self.content.get("metadata", {}).get("generation", 0)
        return any(
            condition.get("type") == "Ready"
            and condition.get("status") == "True"
            and condition.get("observedGeneration", generation) == generation
            for condition in self._entries
        )

    @property
    def conditions(self) -> str:
        """Return the conditions with their messages, for an error about a resource that does not become Ready."""
        sentences = [
            "  {type}={status} {reason}: {message}".format_map({**UNSET, **condition}) for condition in self._entries
        ]
        return "\n".join(
            [f"Kepler '{self.namespace}/{self.name}':", *(sentences or ["  no conditions: no function wrote any"])]
        )

    @property
    def _entries(self) -> list[Object]:
        return list(self.content.get("status", {}).get("conditions", []))


def apply(kubectl: Kubectl, folder: Path) -> list[Object]:
    """Apply a folder by `kubectl apply`, and return the Keplers in it."""
    kustomized = (folder / "kustomization.yaml").exists()
    kubectl("apply", "-k" if kustomized else "-f", str(folder))
    return [manifest for manifest in kubectl.render(folder) if manifest["kind"] == KIND]


def read(stack: Stack, wanted: list[Object]) -> list[WatchedKepler]:
    """Read the present state of these Keplers."""
    return [_read(stack, manifest) for manifest in wanted]


def _read(stack: Stack, manifest: Object) -> WatchedKepler:
    name = manifest["metadata"]["name"]
    namespace = manifest["metadata"].get("namespace", NAMESPACE)
    path = f"/apis/{manifest['apiVersion']}/namespaces/{namespace}/{plural(manifest['kind'])}/{name}"
    try:
        return WatchedKepler(namespace, name, stack.api.get(path))
    except ObjectNotFound:
        return WatchedKepler(namespace, name, {})
