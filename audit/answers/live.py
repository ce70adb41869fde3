"""Reads what the console shows of the cluster as it is now: the resources, and the dead letters.

Both are read with the ServiceAccount of `audit`, once a second at most for all viewers together; less often if a read
takes long.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from audit.answer_models import ConditionState, DeadLetter, ListedResource, Nodes, StateName
from audit.answers.dead_letter_answers import letters
from audit.answers.states import ORDER, level, state
from dead_letters.dead_letter import LABEL
from events.report import Subject
from runtime.client import Client, Transport
from runtime.conditions import READY
from runtime.errors import Unavailable
from runtime.objects import CONFIG_MAP, OURS, Collection, Manifest, generation, metadata, name, terminates, uid

SECONDS = 1.0
# After a read that takes longer than QUICK seconds, none starts for REST times as long, up to LONGEST_REST seconds.
QUICK, REST, LONGEST_REST = 0.1, 4.0, 20.0
# After SLOW seconds a request is answered with the previous read, unless that is more than OLD seconds old.
SLOW, OLD = 0.5, 60.0
# Seconds after which a request fails because the read is not done; a thread that waits receives no events.
WAITS = 10.0
# Seconds for which one request is retried, and that a whole read of hundreds of requests may take.
PATIENCE, READ = 3.0, 60.0

# Objects per page of a list: one may take 1.5 MiB with `managedFields`, and only some KiB of it are kept.
PAGE = 50

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ShownResource:
    """One resource, ready to be sent: `json` is a `ListedResource`. 10,000 of these take 30 MiB; as models, 180 MiB."""

    kind: str
    namespace: str
    name: str
    state: StateName
    reason: str
    json: bytes


class CachedRead(Generic[Item]):
    """Caches the result of a read for a moment; requests that come during a read share its result, or its error.

    A read that takes long continues in its own thread. Meanwhile the previous result is returned, unless it is too old.
    """

    def __init__(self, read: Callable[[], tuple[Item, ...]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._until = float("-inf")
        self._pending: Future[tuple[Item, ...]] = Future()
        self._last: tuple[Item, ...] = ()
        self._at = float("-inf")

    def __call__(self) -> tuple[Item, ...]:
        with self._lock:
            if time.monotonic() > self._until:
                self._until = float("inf")
                self._pending = Future()
                threading.Thread(target=self._refresh, args=(self._pending,), daemon=True).start()
            pending, last, at = self._pending, self._last, self._at
        is_old = time.monotonic() - at > OLD
        wait((pending,), timeout=WAITS if is_old else SLOW)
        if is_old and not pending.done():
            raise Unavailable("there are many resources, and they are still being read")
        return pending.result() if pending.done() else last

    def _refresh(self, pending: "Future[tuple[Item, ...]]") -> None:
        began = time.monotonic()
        try:
            resources = self._read()
        except Exception as error:
            self._schedule_next(began)
            pending.set_exception(error)
        else:
            with self._lock:
                self._last, self._at = resources, time.monotonic()
            self._schedule_next(began)
            pending.set_result(resources)

    def _schedule_next(self, began: float) -> None:
        """Set when the next read may start: later, if this one took long."""
        now = time.monotonic()
        took = now - began
        with self._lock:
            self._until = now + max(SECONDS, min(LONGEST_REST, REST * took) if took > QUICK else 0.0)


class Live:
    """Reads the cluster through `transport`; dead letters are in `namespace`. Raises ApiErrors."""

    def __init__(self, transport: Callable[[], Transport], namespace: str) -> None:
        self._transport = transport
        self.namespace = namespace
        self.resources = CachedRead(self._resources)
        self.letters = CachedRead(self._letters)

    def _resources(self) -> tuple[ShownResource, ...]:
        client = self._client()
        resources = (
            shown_resource(manifest) for kind in OURS for manifest in client.list(Collection(kind, ""), page=PAGE)
        )
        return tuple(
            sorted(
                resources,
                key=lambda resource: (ORDER.index(resource.state), resource.namespace, resource.name, resource.kind),
            )
        )

    def _letters(self) -> tuple[DeadLetter, ...]:
        kept = Collection(CONFIG_MAP, self.namespace)
        return letters(self._client().list(kept, labelled=LABEL, metadata_only=True))

    def _client(self) -> Client:
        return Client(self._transport(), manager="kepler-audit", seconds=READ, patience=PATIENCE)


def shown_resource(manifest: Manifest) -> ShownResource:
    """Return one of our resources, ready to be sent; nothing else of it is kept."""
    answer = resource(manifest)
    json = answer.model_dump_json(by_alias=True).encode()
    about, stands = answer.object, answer.state
    return ShownResource(about.kind, about.namespace, about.name, stands.name, stands.reason, json)


def resource(manifest: Manifest) -> ListedResource:
    """Return one of our resources with its state."""
    status: Mapping[str, Any] = manifest.get("status") or {}
    now = generation(manifest)
    conditions = tuple(_conditions(status.get("conditions") or (), now))
    created = metadata(manifest)["creationTimestamp"]
    return ListedResource(
        object=Subject(
            api_version=str(manifest.get("apiVersion")),
            kind=str(manifest.get("kind")),
            namespace=str(metadata(manifest).get("namespace", "")),
            name=name(manifest),
            uid=uid(manifest),
        ),
        generation=now,
        created=created,
        deleting=terminates(manifest),
        state=state(str(manifest.get("kind")), conditions, created, deleting=terminates(manifest)),
        ready=next((condition for condition in conditions if condition.type == READY), None),
        conditions=conditions,
        nodes=_nodes(status.get("nodes") or {}),
    )


def _conditions(written: Iterable[Mapping[str, Any]], now: int) -> Iterator[ConditionState]:
    """Yield the entries that are valid conditions; an older release may have written others."""
    for entry in written:
        try:
            current = entry.get("observedGeneration", now) == now
            yield ConditionState.model_validate(
                {
                    **{key: entry[key] for key in ("type", "status", "reason", "message")},
                    "since": entry.get("lastTransitionTime"),
                    "current": current,
                    "level": level(entry["status"], entry["reason"], current=current),
                }
            )
        except (KeyError, ValidationError):
            continue


def _nodes(written: Mapping[str, int]) -> Nodes | None:
    """Return the rollout of the exporter; None for a KeplerMachineConfig, where `status.nodes` means something else."""
    if "desired" not in written:
        return None
    return Nodes(desired=written["desired"], updated=written.get("updated", 0), available=written.get("available", 0))
