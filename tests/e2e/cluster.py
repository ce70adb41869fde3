"""A user at a running stack: the real kubectl in one namespace, and waiting for what is to become true."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psutil

from local.account import reports
from local.errors import CommandFailed
from local.probe import until
from local.stack import Stack
from tests.workbench import create_namespace

# Seconds within which anything here happens on a busy machine; typical is well under one.
PATIENCE = 60.0


class Cluster:
    """One namespace of the running stack."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack = stack
        self.namespace = namespace

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in this namespace; CommandFailed with what it said."""
        return self.stack.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def apply(self, *objects: Mapping[str, Any]) -> str:
        """`kubectl apply`; what it printed."""
        return "".join(self.kubectl("apply", "-f", "-", stdin=json.dumps(one)) for one in objects)

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
        found = self.get(what)
        return str(found["metadata"]["uid"]) if found else ""

    def beside(self, name: str) -> "Cluster":
        """The same stack, seen from another namespace, which is made if need be."""
        there = f"{self.namespace}-{name}"
        if not self.stack.kubectl("get", "namespace", there, "--ignore-not-found"):
            create_namespace(self.stack, there)
        return Cluster(self.stack, there)

    def conditions(self, name: str = "kepler") -> dict[str, Any]:
        """A Kepler's conditions by type."""
        found = self.get(f"keplers/{name}") or {}
        return {one["type"]: one for one in (found.get("status") or {}).get("conditions") or []}

    def is_ready(self, name: str = "kepler") -> bool:
        """Whether `Ready` is True for the present generation."""
        found = self.get(f"keplers/{name}") or {"metadata": {}}
        ready = self.conditions(name).get("Ready", {})
        generation = found["metadata"].get("generation")
        return bool(ready.get("status") == "True" and ready.get("observedGeneration") == generation)

    def await_ready(self, name: str = "kepler") -> None:
        """Returns once it is; with its conditions in the failure if it is not."""
        self.eventually(lambda: self.is_ready(name), lambda: self.conditions(name))

    def eventually(self, true: Callable[[], object], otherwise: Callable[[], object] = lambda: "") -> None:
        """Polls until it is true; fails with what `otherwise` says."""
        assert until(lambda: bool(true()), PATIENCE, threading.Event()), otherwise()

    def generation(self) -> int:
        """Of the DaemonSet: one more for each rollout."""
        return int(self.get("daemonset/kepler-exporter")["metadata"]["generation"])

    def reports(self) -> list[Any]:
        """What `audit` has noted about this namespace."""
        found = reports(self.stack.layout.log("kepler-audit"))
        return [one for one in found if one["object"]["namespace"] == self.namespace]

    def logged(self, part: str, message: str) -> list[Any]:
        """The log entries of a part that have this message; what is not a whole line of JSON is passed over."""
        found = []
        for line in self.stack.layout.log(part).read_text().splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return [one for one in found if isinstance(one, dict) and one.get("message") == message]

    def function(self, name: str) -> psutil.Process:
        """The process of a function."""
        return psutil.Process(self.stack.parts[name].record.pid)
