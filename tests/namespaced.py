"""A user in one namespace of some cluster: the real kubectl, and waiting for what is to become true."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from local.kubectl import Kubectl
from local.local_errors import CommandFailed
from local.probe import wait_until


class Namespaced:
    """One namespace. `patience` is how many seconds anything here may take on a busy machine; typical is far less."""

    def __init__(self, kubectl: Kubectl, namespace: str, patience: float) -> None:
        self.cluster_wide = kubectl
        self.namespace = namespace
        self.patience = patience

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in this namespace; CommandFailed with what it said."""
        return self.cluster_wide("-n", self.namespace, *arguments, stdin=stdin)

    def apply(self, *objects: Mapping[str, Any]) -> str:
        """`kubectl apply`; what it printed."""
        return "".join(self.kubectl("apply", "-f", "-", stdin=json.dumps(entry)) for entry in objects)

    def patch(self, what: str, patch: Mapping[str, Any]) -> None:
        """`kubectl patch --type merge`."""
        self.kubectl("patch", what, "--type=merge", "-p", json.dumps(patch))

    def get(self, what: str) -> Any:
        """The object by `resource/name`, or None."""
        try:
            return json.loads(self.kubectl("get", what, "-o", "json"))
        except CommandFailed as failed:
            if "NotFound" in str(failed):
                return None
            raise

    def items(self, kinds: str) -> list[Any]:
        """All objects of some kinds in the namespace."""
        listed: list[Any] = json.loads(self.kubectl("get", kinds, "-o", "json"))["items"]
        return listed

    def uid(self, what: str) -> str:
        """The object's uid; empty where there is none."""
        manifest = self.get(what)
        return str(manifest["metadata"]["uid"]) if manifest else ""

    def conditions(self, name: str = "kepler") -> dict[str, Any]:
        """A Kepler's conditions by type."""
        kepler = self.get(f"keplers/{name}") or {}
        return {condition["type"]: condition for condition in (kepler.get("status") or {}).get("conditions") or []}

    def is_ready(self, name: str = "kepler") -> bool:
        """Whether `Ready` is True for the present generation."""
        manifest = self.get(f"keplers/{name}") or {"metadata": {}}
        ready = self.conditions(name).get("Ready", {})
        generation = manifest["metadata"].get("generation")
        return bool(ready.get("status") == "True" and ready.get("observedGeneration") == generation)

    def await_ready(self, name: str = "kepler") -> None:
        """Returns once it is; with its conditions in the failure if it is not."""
        self.eventually(lambda: self.is_ready(name), lambda: self.conditions(name))

    def eventually(self, true: Callable[[], object], otherwise: Callable[[], object] = lambda: "") -> None:
        """Polls until it is true; fails with what `otherwise` says."""
        assert wait_until(lambda: bool(true()), self.patience, threading.Event()), otherwise()

    def generation(self) -> int:
        """Of the DaemonSet: one more for each rollout."""
        return int(self.get("daemonset/kepler-exporter")["metadata"]["generation"])
