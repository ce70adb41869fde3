"""The sample resources: applied as a user would, and waited for."""

from dataclasses import dataclass
from pathlib import Path

from local.api import NotFound, Object
from local.kubectl import Kubectl
from local.pki import NAMESPACE
from local.source import plural
from local.stack import Stack

KIND = "Kepler"


@dataclass(frozen=True)
class Kepler:
    """A Kepler as last seen; `content` is empty while it does not exist."""

    namespace: str
    name: str
    content: Object

    @property
    def ready(self) -> bool:
        """Whether its condition `Ready` is true, for the generation that is there."""
        generation = self.content.get("metadata", {}).get("generation", 0)
        return any(
            one.get("type") == "Ready"
            and one.get("status") == "True"
            and one.get("observedGeneration", generation) == generation
            for one in self._conditions
        )

    @property
    def account(self) -> str:
        """Its conditions and their messages, for when it does not become ready."""
        told = [
            f"  {one.get('type')}={one.get('status')} {one.get('reason', '')}: {one.get('message', '')}"
            for one in self._conditions
        ]
        return "\n".join(
            [f"Kepler '{self.namespace}/{self.name}':", *(told or ["  no conditions: no function wrote any"])]
        )

    @property
    def _conditions(self) -> list[Object]:
        return list(self.content.get("status", {}).get("conditions", []))


def apply(kubectl: Kubectl, folder: Path) -> list[Object]:
    """`kubectl apply` of a folder; returns the Keplers in it."""
    kustomized = (folder / "kustomization.yaml").exists()
    kubectl("apply", "-k" if kustomized else "-f", str(folder))
    return [one for one in kubectl.render(folder) if one["kind"] == KIND]


def look(stack: Stack, wanted: list[Object]) -> list[Kepler]:
    """The Keplers as they are now."""
    return [_look(stack, one) for one in wanted]


def _look(stack: Stack, one: Object) -> Kepler:
    name = one["metadata"]["name"]
    namespace = one["metadata"].get("namespace", NAMESPACE)
    path = f"/apis/{one['apiVersion']}/namespaces/{namespace}/{plural(one['kind'])}/{name}"
    try:
        return Kepler(namespace, name, stack.api.get(path))
    except NotFound:
        return Kepler(namespace, name, {})
