"""The sample resources: applies them as a user would, and reads whether they are Ready."""

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
    """A Kepler as last seen; `content` is empty while it does not exist."""

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
            for condition in self._conditions
        )

    @property
    def account(self) -> str:
        """Return the conditions with their messages, for an error about a resource that does not become Ready."""
        sentences = [
            "  {type}={status} {reason}: {message}".format_map({**UNSET, **condition}) for condition in self._conditions
        ]
        return "\n".join(
            [f"Kepler '{self.namespace}/{self.name}':", *(sentences or ["  no conditions: no function wrote any"])]
        )

    @property
    def _conditions(self) -> list[Object]:
        return list(self.content.get("status", {}).get("conditions", []))


def apply(kubectl: Kubectl, folder: Path) -> list[Object]:
    """Apply a folder by `kubectl apply`, and return the Keplers in it."""
    kustomized = (folder / "kustomization.yaml").exists()
    kubectl("apply", "-k" if kustomized else "-f", str(folder))
    return [manifest for manifest in kubectl.render(folder) if manifest["kind"] == KIND]


def look(stack: Stack, wanted: list[Object]) -> list[WatchedKepler]:
    """Return the Keplers as they are now."""
    return [_look(stack, manifest) for manifest in wanted]


def _look(stack: Stack, manifest: Object) -> WatchedKepler:
    name = manifest["metadata"]["name"]
    namespace = manifest["metadata"].get("namespace", NAMESPACE)
    path = f"/apis/{manifest['apiVersion']}/namespaces/{namespace}/{plural(manifest['kind'])}/{name}"
    try:
        return WatchedKepler(namespace, name, stack.api.get(path))
    except ObjectNotFound:
        return WatchedKepler(namespace, name, {})
