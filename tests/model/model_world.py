"""The objects of an exploration, each kept once under a number, and each worker as the replies it was given.

Two states that differ only in how often something was written are one. So a version is not a count but an age: 0 is
the present one; older ones are numbered, for each worker and object, from the newest it was shown. Nothing is lost
by that, since a worker does no more with a version than compare it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from events.types import RESOURCE_DELETE, RESOURCE_UPDATE
from runtime.client import ApiResponse, Request, path
from runtime.event import Event
from runtime.objects import Manifest, Ref, resource_version, uid
from runtime.wake import nothing_to_do
from tests.model.scenario import Scenario, first
from tests.model.server import Fresh, address, carried_out, failure
from tests.model.worker import DeliveryResult, run

# Versions as they appear in objects: the present one, older ones counted down, and that of the next write.
PRESENT, NEXT = 1_000_000, "next"


class Cell(NamedTuple):
    """One object: its content by number (0: absent), and how many objects have had its name."""

    content: int = 0
    incarnations: int = 0


Cells = tuple[Cell, ...]


class ShownObject(NamedTuple):
    """An object as a worker was shown it: which one, its content, and the age of that version."""

    place: int
    content: int
    age: int = 0


class Reply(NamedTuple):
    """An answer without its text: a status, and the objects in it."""

    status: int
    objects: tuple[ShownObject, ...] = ()
    collection: bool = False


LOST = Reply(0)


class WriteResult(NamedTuple):
    """What a request did: what it was answered, and the object that it changed, if any (-1: none)."""

    reply: Reply
    place: int = -1
    cell: Cell = Cell()


@dataclass(frozen=True)
class Worker:
    """A worker before its next call: whom its event woke, what it was answered so far, what it asks, of which objects.

    `looked` is the content of each object as it was last shown it, 0 where it was told that there is none.
    """

    woken: frozenset[str]
    replies: tuple[Reply, ...]
    request: Request
    places: tuple[int, ...]
    looked: Mapping[int, int]

    @property
    def writes(self) -> bool:
        """Whether its call may change something."""
        return self.request.writes

    @property
    def function(self) -> str:
        """The function that it applies for; empty for other calls."""
        return self.request.query.get("fieldManager", "").removeprefix("kepler-")

    def __str__(self) -> str:
        """What it is about to do."""
        where = address(self.request.path)
        return " ".join((self.request.method, *filter(None, (where.name or "all", where.subresource))))


class Ended(NamedTuple):
    """How a worker ended, and of which objects which function has noted the present version: its name, the place."""

    result: DeliveryResult
    seen: frozenset[tuple[str, int]]


class Contents:
    """Every object that was met, without its version, under a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._manifests: list[Manifest] = [{}]
        self._aged: dict[tuple[int, int], Manifest] = {}

    def number(self, manifest: Manifest | None) -> int:
        """The number of this content; 0 for what is absent."""
        if manifest is None:
            return 0
        bare = _versioned(manifest, "")
        known = self._numbers.setdefault(json.dumps(bare, sort_keys=True), len(self._manifests))
        if known == len(self._manifests):
            self._manifests.append(bare)
        return known

    def manifest(self, number: int, age: int = 0) -> Manifest | None:
        """The object as it is answered, in a version of this age."""
        if number and (number, age) not in self._aged:
            self._aged[number, age] = _versioned(self._manifests[number], str(PRESENT - age))
        return self._aged[number, age] if number else None


def _versioned(manifest: Manifest, version: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": version}}


class ModelWorld:
    """What can be asked of the objects of a scenario, and what workers make of the answers; everything once."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.refs = scenario.refs
        self.contents = Contents()
        self._places = {path(ref.kind, ref.namespace, ref.name): place for place, ref in enumerate(self.refs)}
        self._workers: list[Worker] = []
        self._numbers: dict[tuple[frozenset[str], tuple[Reply, ...]], int | Ended] = {}
        self._asked: dict[tuple[int, Cells], WriteResult] = {}
        self._overtaken: dict[tuple[int, int], int] = {}

    def first(self) -> Cells:
        """The objects at the beginning."""
        cells = tuple(Cell() for _ in self.refs)
        for request in first(self.scenario):
            written = self.ask(request, cells)
            cells = replaced(cells, written)
        return self._settled(cells) if self.scenario.settled else cells

    def _settled(self, cells: Cells) -> Cells:
        """The objects once one worker for all functions went through, which nobody disturbed."""
        following: int | Ended = self.begun(frozenset(function.name for function in self.scenario.functions))
        while isinstance(following, int):
            written = self.carry_out(following, cells)
            cells = replaced(cells, written)
            now = self.overtaken(following, written.place) if written.place >= 0 else following
            following = self.answered(now, written.reply)
        return cells

    def look(self, cells: Cells, ref: Ref) -> Manifest | None:
        """An object as it is now."""
        return self.contents.manifest(cells[self.refs.index(ref)].content)

    def ask(self, request: Request, cells: Cells) -> WriteResult:
        """What the model of the API server makes of a request."""
        where = address(request.path)
        if not where.name:
            shown = tuple(
                ShownObject(place, cells[place].content) for place in self._named(request) if cells[place].content
            )
            return WriteResult(Reply(200, shown, collection=True))
        place = self._places[where.object]
        cell, actual = cells[place], self.contents.manifest(cells[place].content)
        answer, after = carried_out(request, actual, Fresh(f"{where.name}-{cell.incarnations + 1}", NEXT))
        content = self.contents.number(after)
        shows = answer.status in (200, 201) and after is not None
        reply = Reply(answer.status, (ShownObject(place, content),) if shows else ())
        if after is actual:
            return WriteResult(reply)
        return WriteResult(reply, place, Cell(content, cell.incarnations + (actual is None)))

    def woken(self, cells: Cells, written: WriteResult) -> frozenset[str]:
        """The functions for which the event of somebody else's write is not answered from itself alone."""
        before, after = (self.contents.manifest(cell.content) for cell in (cells[written.place], written.cell))
        if not (shown := after or before):
            return frozenset()
        event = _event(shown, RESOURCE_UPDATE if after else RESOURCE_DELETE)
        return frozenset(function.name for function in self.scenario.functions if not nothing_to_do(function, event))

    def carry_out(self, number: int, cells: Cells) -> WriteResult:
        """What comes of a worker's next call."""
        worker = self._workers[number]
        about = number, tuple(cells[place] for place in worker.places)
        if about not in self._asked:
            self._asked[about] = self.ask(worker.request, cells)
        return self._asked[about]

    def worker(self, number: int) -> Worker:
        """The worker of this number."""
        return self._workers[number]

    def begun(self, woken: frozenset[str]) -> int:
        """A worker before its first call, whose event has woken these functions."""
        number = self._number(woken, ())
        assert isinstance(number, int)
        return number

    def answered(self, number: int, reply: Reply) -> int | Ended:
        """A worker once it has this reply."""
        worker = self._workers[number]
        return self._number(worker.woken, (*worker.replies, reply))

    def overtaken(self, number: int, place: int) -> int:
        """A worker after an object was written: what it was shown of it is no longer the present version."""
        if (number, place) not in self._overtaken:
            replies = self._workers[number].replies
            present = any(
                shown_object.place == place and not shown_object.age
                for reply in replies
                for shown_object in reply.objects
            )
            woken = self._workers[number].woken
            aged = self._number(woken, tuple(_aged(reply, place) for reply in replies)) if present else number
            assert isinstance(aged, int)
            self._overtaken[number, place] = aged
        return self._overtaken[number, place]

    def _number(self, woken: frozenset[str], replies: tuple[Reply, ...]) -> int | Ended:
        if (woken, replies) not in self._numbers:
            self._numbers[woken, replies] = self._resumed(woken, replies)
        return self._numbers[woken, replies]

    def _resumed(self, woken: frozenset[str], replies: tuple[Reply, ...]) -> int | Ended:
        ran = run(self.scenario.functions, woken, self.scenario.key, map(self._answer, replies))
        if ran.ended:
            seen = {(name, place) for name, manifests in ran.seen.items() for place in self._present(manifests)}
            return Ended(ran.ended, frozenset(seen))
        request = ran.asked[-1]
        looked: dict[int, int] = {}
        for asked, reply in zip(ran.asked, replies, strict=False):
            if reply.status == 404:
                looked[self._places[address(asked.path).object]] = 0
            looked.update({shown_object.place: shown_object.content for shown_object in reply.objects})
        self._workers.append(Worker(woken, replies, request, self._named(request), looked))
        return len(self._workers) - 1

    def _present(self, noted: Iterable[Manifest]) -> Iterator[int]:
        """The places of objects whose newest noted version is the present one, as `runtime.seen` remembers them."""
        versions = {uid(manifest): manifest for manifest in noted}
        places = {(ref.kind.name, ref.name): place for place, ref in enumerate(self.refs)}
        for manifest in versions.values():
            if resource_version(manifest) == str(PRESENT):
                yield places[manifest["kind"], manifest["metadata"]["name"]]

    def _named(self, request: Request) -> tuple[int, ...]:
        """The objects that a request is about."""
        where = address(request.path)
        return tuple(
            place
            for known, place in self._places.items()
            if known == where.object or (not where.name and address(known).collection == where.collection)
        )

    def _answer(self, reply: Reply) -> ApiResponse:
        shown = [self.contents.manifest(shown_object.content, shown_object.age) for shown_object in reply.objects]
        if reply.collection:
            return ApiResponse(reply.status, {"items": shown})
        if reply.status in (0, 200, 201):
            return ApiResponse(reply.status, shown[0] or {} if shown else {})
        return failure(reply.status)


def replaced(cells: Cells, written: WriteResult) -> Cells:
    """The objects after a write."""
    if written.place < 0:
        return cells
    return (*cells[: written.place], written.cell, *cells[written.place + 1 :])


def _event(manifest: Manifest, sort: str) -> Event:
    """An event in ApiServerSource's Resource mode, as far as it is looked at."""
    return Event(
        id="",
        type=sort,
        source="",
        subject="",
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        namespace=manifest["metadata"]["namespace"],
        name=manifest["metadata"]["name"],
        object=manifest,
        data=manifest,
    )


def _aged(reply: Reply, place: int) -> Reply:
    if all(shown_object.place != place for shown_object in reply.objects):
        return reply
    return reply._replace(
        objects=tuple(
            shown_object._replace(age=shown_object.age + 1) if shown_object.place == place else shown_object
            for shown_object in reply.objects
        )
    )
