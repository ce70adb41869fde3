"""One namespace with its functions: what changes is told by the events that a cluster would send, and by nothing else.

Which objects are watched, and whom an event wakes, is what `config/base` says. Events about one object between two
looks are one event. The garbage collector's part is here, since it acts on what is watched.
"""

import json
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from cloudevents.core.v1.event import CloudEvent

from cli.connection.cluster import ClusterTarget, connect
from cli.explanation.collect import FactReader
from cli.explanation.verdict import Explanation, explain
from cli.main import run as kubectl_kepler
from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE
from functions.function_catalogue import FUNCTIONS
from installation import wiring
from local.admin_client import ObjectNotFound
from local.local_errors import CommandFailed
from local.stack import Stack
from runtime.client import Transport, path
from runtime.declaration import Function
from runtime.errors import ApiError
from runtime.event import Event
from runtime.objects import (
    KEPLER,
    MACHINE_CONFIG,
    NAMESPACE,
    NODES_CONFIG,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Kind,
    Manifest,
    Ref,
    controller,
    name,
    resource_version,
    uid,
)
from runtime.receive import Reconciler
from runtime.rechecks import Rechecks
from runtime.requests import recheck
from tests.as_kubectl import KINDS
from tests.offered.broker_ingress import BrokerIngress
from tests.offered.workload_controllers import POD, WorkloadControllers
from tests.workbench import received, update

# A redelivery is the last one after so many.
TRIES = 6
# Rounds in which something still moves.
MOST = 60
# Seconds that one command may take, on a busy machine.
LONGEST = 30.0
# What the API server answers while it has yet to read what is kept of a kind.
TOO_MANY = 429


def watched() -> Iterator[tuple[Kind, str]]:
    """Yield the kinds that the event source watches, each with its label selector."""
    kinds = {(kind.api_version, kind.name): kind for kind in KINDS}
    for resource in wiring.source()[-1]["spec"]["resources"]:
        labels = resource.get("selector", {}).get("matchLabels", {})
        selector = ",".join(f"{label}={value}" for label, value in labels.items())
        yield kinds[resource["apiVersion"], resource["kind"]], selector


WATCHED = tuple(watched())
# Kinds of children that have no events.
UNWATCHED = (SERVICE_MONITOR, PROMETHEUS_RULE, NODES_CONFIG)


class ImmediateRechecks(Rechecks):
    """Rechecks that are due once all events are delivered, instead of some seconds later, once for each object."""

    def schedule(self, key: Ref, generation: int) -> None:
        """Note that an object is due."""
        if key not in self._used:
            self._used[key] = (generation, 1, 0.0)
            self._due = [*self._due, (0.0, key)]

    def rest(self) -> None:
        """Forget which objects were rechecked."""
        self._used.clear()

    def due(self) -> list[CloudEvent]:
        """Return and forget the events of all objects that are due."""
        keys = {key for _, key in self._due}
        self._due = []
        return [self.event(key) for key in sorted(keys)]


def _lost(_event: CloudEvent) -> None:
    raise AssertionError("events of rechecks are taken by `due`")


@dataclass
class OperatedNamespace:
    """Everything that is there and on its way; `ways` are the functions' own ways to the API server, by manager.

    `images` are the functions' settings about images. What is in the way of something, such as a policy, is entered in
    `obstacles`, which a step closes. No event reaches the functions named in `deaf`.
    """

    stack: Stack
    namespace: str
    ways: Mapping[str, Transport]
    broker: BrokerIngress
    images: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    obstacles: ExitStack = field(default_factory=ExitStack)
    deaf: set[str] = field(default_factory=set)
    _known: dict[Ref, Manifest] = field(default_factory=dict)
    _queue: list[tuple[Function, Event, int]] = field(default_factory=list)
    _parents: set[str] = field(default_factory=set)
    _processes: dict[str, Reconciler] = field(default_factory=dict)
    _rechecks: dict[str, ImmediateRechecks] = field(default_factory=dict)
    _readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def __post_init__(self) -> None:
        self.controllers = WorkloadControllers(self.stack, self.namespace)
        self.broker.take()
        self.restart()

    def restart(self) -> None:
        """New processes for all functions, with the settings as they are now: none remembers anything."""
        self._processes = {
            function.name: Reconciler(
                function,
                self.ways[function.manager],
                images=self.images,
                sink=self._receive,
                rechecks=self._rechecks.setdefault(
                    function.name, ImmediateRechecks(partial(recheck, function=function.name), _lost)
                ),
            )
            for function in FUNCTIONS
        }

    # What is there

    def key(self, kind: Kind = KEPLER, called: str = "kepler") -> Ref:
        """Return the reference of a resource here."""
        return Ref(kind, self.namespace if kind.namespaced else "", called)

    def get(self, ref: Ref) -> dict[str, Any] | None:
        """Return an object as it is."""
        try:
            return self.stack.api.get(path(ref.kind, ref.namespace, ref.name))
        except ObjectNotFound:
            return None

    def conditions(self, ref: Ref) -> dict[str, Mapping[str, Any]]:
        """Return the conditions of a resource by type."""
        status = (self.get(ref) or {}).get("status") or {}
        return {condition["type"]: condition for condition in status.get("conditions") or ()}

    def explained(self, ref: Ref) -> Explanation:
        """Return what `kubectl kepler explain` will say of a resource in a minute, when nothing is new any more."""
        cluster = connect(ClusterTarget(kubeconfig=str(self.stack.admin), namespace=self.namespace), {})
        facts = FactReader(cluster).facts(ref, cluster.need(ref), console="http://127.0.0.1:1")
        return explain(replace(facts, now=facts.now + timedelta(minutes=1)))

    def takes(self, manifest: Manifest) -> bool:
        """Whether the API server would make this object, under some name."""
        kinds = {(kind.api_version, kind.name): kind for kind in KINDS}
        kind = kinds.get((manifest["apiVersion"], manifest["kind"]), POD)
        try:
            where = path(kind, self.namespace if kind.namespaced else "")
            self.stack.api.create(f"{where}?dryRun=All", {**manifest, "metadata": {"name": "probe"}})
        except CommandFailed:
            return False
        return True

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for what the API server puts into force some moments later."""
        ends = time.monotonic() + LONGEST
        while not true():
            assert time.monotonic() < ends, "it does not come into force"
            time.sleep(0.05)

    # What a user does

    def apply(self, *manifests: Manifest) -> None:
        """Apply objects as their maker does, and let happen what comes of it."""
        kinds = {(kind.api_version, kind.name): kind for kind in KINDS}
        for manifest in manifests:
            kind = kinds.get((manifest["apiVersion"], manifest["kind"]))
            if kind is None or kind.group in ("storage.k8s.io", "apiextensions.k8s.io"):
                self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
            else:
                where = path(kind, self.namespace if kind.namespaced else "", manifest["metadata"]["name"])
                self.stack.api.apply(where, {**manifest})
        self.follow()

    def patch(self, what: str, change: Mapping[str, Any], *arguments: str) -> None:
        """Patch an object, and let happen what comes of it."""
        self.kubectl("patch", what, "--type=merge", "-p", json.dumps(change), *arguments)
        self.follow()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.stack.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def run(self, command: str) -> str:
        """Run a command as it stands, while everything goes on; raises CommandFailed with what it said.

        A watch, which never ends, is ended after a second.
        """
        self.ran.append(command)
        program, *arguments = shlex.split(command)
        assert program == "kubectl", command
        answers: list[str | Exception] = []
        thread = threading.Thread(target=lambda: answers.append(self._run(arguments)), daemon=True)
        thread.start()
        until = time.monotonic() + LONGEST
        while thread.is_alive():
            assert time.monotonic() < until, f"`{command}` does not end"
            thread.join(0.05)
            if thread.is_alive():
                self.follow()
        self.follow()
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    def _run(self, arguments: list[str]) -> str | Exception:
        if arguments[0] == "kepler":
            return f"ended with {kubectl_kepler([*arguments[1:], f'--kubeconfig={self.stack.admin}'])}"
        try:
            return self.stack.kubectl(*arguments, *(["--request-timeout=1s"] if "-w" in arguments else []))
        except CommandFailed as wrong:
            return wrong

    # What the cluster does

    def follow(self) -> None:
        """Deliver the events of what has changed, and let the controllers act, until nothing moves."""
        acted = ""
        for _ in range(MOST):
            self._notice()
            if self._queue:
                self._deliver()
            elif not (self._collect() or (acted := self.controllers.act()) or self._recheck()):
                break
        else:
            pytest.fail(f"nothing comes to rest in {MOST} rounds: {acted}; on their way: {self._queue}")
        for rechecks in self._rechecks.values():
            rechecks.rest()

    def _recheck(self) -> bool:
        """Deliver the events of rechecks that are due; return whether there were any."""
        asked = [event for rechecks in self._rechecks.values() for event in rechecks.due()]
        for event in asked:
            self._receive(event)
        return bool(asked)

    def _notice(self) -> None:
        """Take note of every change since the last look, and of every event that was sent to the Broker."""
        lists = self._readers.map(lambda watch: [*self._listed(*watch)], WATCHED)
        now = {ref: manifest for lists_of_kind in lists for ref, manifest in lists_of_kind}
        for ref, manifest in now.items():
            before = self._known.get(ref)
            if before is None or resource_version(before) != resource_version(manifest):
                self._send(update(manifest, RESOURCE_UPDATE if before else RESOURCE_ADD))
        for ref in self._known.keys() - now.keys():
            self._send(update(self._known[ref], RESOURCE_DELETE))
        self._known = now
        for event in self.broker.take():
            self._send(event)

    def _listed(self, kind: Kind, selector: str) -> Iterator[tuple[Ref, Manifest]]:
        where = path(kind, self.namespace if kind.namespaced else "")
        for item in self._items(f"{where}?labelSelector={quote(selector)}"):
            if kind != NAMESPACE or name(item) == self.namespace:
                manifest = {"apiVersion": kind.api_version, "kind": kind.name, **item}
                yield Ref(kind, self.namespace if kind.namespaced else "", name(item)), manifest

    def _items(self, where: str) -> list[Any]:
        """Return the objects of a list; a kind that was defined a moment ago is asked for again."""
        lists_of_kind: list[list[Any]] = []

        def listed() -> bool:
            try:
                lists_of_kind.append(self.stack.api.items(where))
            except CommandFailed as wrong:
                if f" {TOO_MANY} " not in str(wrong):
                    raise
            return bool(lists_of_kind)

        self.until(listed)
        return lists_of_kind[0]

    def _send(self, event: Event) -> None:
        if event.kind == KEPLER.name and event.namespace != self.namespace:
            return
        for function in FUNCTIONS:
            heard = event.is_for(function.name) and function.name not in self.deaf
            if heard and any(_wakes(event, wake.kind, wake.names) for wake in function.wakes):
                self._queue.append((function, event, 1))

    def _receive(self, event: CloudEvent) -> None:
        self._send(received(event))

    def _deliver(self) -> None:
        """Deliver what is on its way; what fails is delivered again in the next round."""
        queue, self._queue = self._queue, []
        for function, event, attempt in queue:
            try:
                self._processes[function.name](event)
            except ApiError:
                assert attempt < TRIES, f"{event.kind} '{event.name}' becomes a dead letter of {function.name}"
                self._queue.append((function, event, attempt + 1))

    def _collect(self) -> bool:
        """As the garbage collector: what belongs to a resource that is gone goes, too."""
        parents = {uid(manifest) for ref, manifest in self._known.items() if ref.kind in (KEPLER, MACHINE_CONFIG)}
        if parents >= self._parents:
            self._parents = parents
            return False
        others = (lists_of_kind for kind in UNWATCHED for lists_of_kind in self._listed(kind, ""))
        gone = [
            ref
            for ref, manifest in (*self._known.items(), *others)
            if (owner := controller(manifest)) and owner.kind.startswith("Kepler") and owner.uid not in parents
        ]
        for ref in gone:
            self.stack.api.delete(path(ref.kind, ref.namespace, ref.name))
        self._parents = self._parents if gone else parents
        return bool(gone)


def _wakes(event: Event, kind: Kind, names: tuple[str, ...]) -> bool:
    same = (event.api_version, event.kind) == (kind.api_version, kind.name)
    return same and (not names or event.name in names)
