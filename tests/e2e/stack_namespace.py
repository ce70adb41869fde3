"""A user at a running stack: one of its namespaces, and what its processes have logged."""

import json
from contextlib import suppress
from typing import Any

import psutil

from installation import compact
from local.account import reports
from local.stack import Stack
from tests.namespaced import Namespaced
from tests.workbench import create_namespace

# Seconds within which anything here happens on a busy machine; typical is well under one.
PATIENCE = 60.0


class StackNamespace(Namespaced):
    """One namespace of the running stack."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        super().__init__(stack.kubectl, namespace, PATIENCE)
        self.stack = stack

    def beside(self, name: str) -> "StackNamespace":
        """The same stack, seen from another namespace, which is made if need be."""
        there = f"{self.namespace}-{name}"
        if not self.stack.kubectl("get", "namespace", there, "--ignore-not-found"):
            create_namespace(self.stack, there)
        return StackNamespace(self.stack, there)

    def reports(self) -> list[Any]:
        """What `audit` has noted about this namespace."""
        records = reports(self.stack.layout.log("kepler-audit"))
        return [entry for entry in records if entry["object"]["namespace"] == self.namespace]

    def logged(self, part: str, message: str) -> list[Any]:
        """The log entries of a part that have this message; what is not a whole line of JSON is passed over."""
        anies = []
        for line in self.stack.layout.log(part).read_text().splitlines():
            with suppress(ValueError):
                anies.append(json.loads(line))
        return [entry for entry in anies if isinstance(entry, dict) and entry.get("message") == message]

    def serving(self, name: str) -> str:
        """The part of the stack that serves a function: its own process, or the one for all functions."""
        return compact.ACCOUNT if name.startswith("kepler-") and name not in self.stack.processes else name

    def function(self, name: str) -> psutil.Process:
        """The process that serves a function."""
        return psutil.Process(self.stack.processes[self.serving(name)].record.pid)
