"""Every order in which workers, users, the garbage collector and faults can take turns, each state visited once.

A state is the objects, the workers that are at it, the deliveries to come, and what may still happen. Breadth first,
so that the way to a violation is a shortest one.

Deliveries are at least once: a change by somebody else brings an event, unless that alone shows that there is nothing
to do; a worker that does not acknowledge brings a redelivery. A worker takes one of them or, as in one process, all
there are. In a scenario that `drops`, events about versions that are no newer than what a worker was shown end with
it. Deletions and redeliveries are never dropped.
What a worker writes for one function brings an event for the others of its process, and none for that function: where
its own event wakes it, that is one look more.
"""

import time
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.model_world import LOST, Cells, Ended, ModelWorld, WriteResult, replaced
from tests.model.properties import BrokenProperty, Property, at_rest, of_write
from tests.model.scenario import Scenario, collection
from tests.model.worker import DeliveryResult


class ModelState(NamedTuple):
    """Everything that what happens next depends on.

    `events` are, in a scenario that `drops`, the places of objects whose newest version has an event that nobody has
    taken yet, and ~place where that is a deletion, each with a function that it is for; `deliveries` are all others,
    which are for every function.
    """

    cells: Cells
    workers: tuple[int, ...]
    deliveries: int
    left: tuple[int, ...]
    events: frozenset[tuple[int, str]] = frozenset()


class Transition(NamedTuple):
    """One thing that happens, to which worker (-1: none), where it leads, and what is wrong with it."""

    what: str
    who: int
    state: ModelState
    problems: tuple[BrokenProperty, ...] = ()


@dataclass(frozen=True)
class Violation:
    """A property that does not hold, with a shortest way to where that shows."""

    problem: BrokenProperty
    schedule: tuple[str, ...]

    def __str__(self) -> str:
        """As a reader follows it."""
        steps = "\n".join(f"  {number:2}. {text}" for number, text in enumerate(self.schedule, 1))
        return f"violated: {self.problem.violated}\n  {self.problem.told}\n{steps}"


@dataclass
class Explored:
    """What an exploration came to; `violations` has the first of each property."""

    scenario: Scenario
    states: int = 0
    steps: int = 0
    at_rest: int = 0
    seconds: float = 0.0
    violations: dict[Property, Violation] = field(default_factory=dict)

    @property
    def violated(self) -> set[Property]:
        """The properties that do not hold."""
        return set(self.violations)


class TooManyStates(Exception):
    """There are more states than were allowed for: the scenario is too large, or what it can do has no end."""


def explore(scenario: Scenario, *, most: int = 5_000_000) -> Explored:
    """Visits every state that can be reached. Within `tests.model.worker.determined`."""
    return _Exploration(scenario, most).explored()


class _Exploration:
    """One exploration: the states by number, and how each was first reached."""

    def __init__(self, scenario: Scenario, most: int) -> None:
        self._scenario = scenario
        self._most = most
        self._world = ModelWorld(scenario)
        self._all = frozenset(function.name for function in scenario.functions)
        self._collects = collection(scenario)
        self._crashes, self._losses, self._repeats = range(len(scenario.moves), len(scenario.moves) + 3)
        self._numbers: dict[ModelState, int] = {}
        self._states: list[ModelState] = []
        self._from = array("q")
        self._edges = array("q"), array("q")
        self._wrong: dict[Cells, tuple[BrokenProperty, ...]] = {}
        self._collected: dict[Cells, WriteResult | None] = {}
        self._done = Explored(scenario)

    def explored(self) -> Explored:
        """All there is to see."""
        began, done = time.monotonic(), self._done
        faults = self._scenario.crashes, self._scenario.losses, self._scenario.repeats
        budget = (*(move.times for move in self._scenario.moves), *faults)
        self._visit(ModelState(self._world.first(), (), 1, budget), came_from=-1)
        number = 0
        while number < len(self._states):
            self._expand(number, self._states[number])
            number += 1
        done.states, done.steps = len(self._states), len(self._edges[0])
        if (endless := circle(len(self._states), *self._edges)) is not None:
            self._violated(BrokenProperty(Property.ENDS, "it can go on like this"), endless)
        done.seconds = time.monotonic() - began
        return done

    def _visit(self, state: ModelState, came_from: int) -> int:
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            if number >= self._most:
                raise TooManyStates(f"{self._scenario}: more than {self._most} states")
            self._states.append(state)
            self._from.append(came_from)
        return number

    def _expand(self, number: int, state: ModelState) -> None:
        sources, targets = self._edges
        for step in self._steps(state):
            sources.append(number)
            targets.append(self._visit(step.state, number))
            for problem in step.problems:
                self._violated(problem, number, step)
        is_awaited = state.workers or state.deliveries or state.events
        if not is_awaited and self._collection(state.cells) is None:
            self._done.at_rest += 1
            for problem in self._problems_at_rest(state.cells):
                self._violated(problem, number)

    def _violated(self, problem: BrokenProperty, number: int, step: Transition | None = None) -> None:
        if problem.violated not in self._done.violations:
            schedule = (*self._schedule(number), *([self._told(self._states[number], step)] if step else []))
            self._done.violations[problem.violated] = Violation(problem, schedule)

    def _problems_at_rest(self, cells: Cells) -> tuple[BrokenProperty, ...]:
        if cells not in self._wrong:
            self._wrong[cells] = tuple(at_rest(self._world, cells))
        return self._wrong[cells]

    def _steps(self, state: ModelState) -> Iterator[Transition]:
        """Everything that can happen next."""
        for number in dict.fromkeys(state.workers):
            others = _without(state.workers, number)
            yield from self._acts(state, number, others, state.deliveries)
            if state.left[self._crashes]:
                yield Transition("dies", number, self._redelivered(state, others, self._crashes))
        if len(state.workers) < self._scenario.workers:
            for left, woken in self._after_taking(state):
                yield from self._acts(left, self._world.begun(woken), state.workers, left.deliveries)
        if state.left[self._repeats] and state.deliveries < self._scenario.workers:
            yield Transition("a delivery is repeated", -1, self._redelivered(state, state.workers, self._repeats))
        yield from self._moves(state)

    def _after_taking(self, state: ModelState) -> set[tuple[ModelState, frozenset[str]]]:
        """The state once a worker has taken a delivery, or an event, or all there are; and whom that wakes."""
        taken: set[tuple[ModelState, frozenset[str]]] = set()
        for place in {place for place, _ in state.events}:
            mine = frozenset(event for event in state.events if event[0] == place)
            taken.add((state._replace(events=state.events - mine), frozenset(function for _, function in mine)))
        if state.deliveries:
            taken.add((state._replace(deliveries=state.deliveries - 1), self._all))
        if state.deliveries or state.events:
            woken = self._all if state.deliveries else frozenset(function for _, function in state.events)
            taken.add((state._replace(deliveries=0, events=frozenset()), woken))
        return taken

    def _acts(self, state: ModelState, number: int, others: tuple[int, ...], deliveries: int) -> Iterator[Transition]:
        """A worker's next call: answered, or the answer is lost, or the worker dies having done everything."""
        worker, written = self._world.worker(number), self._world.carry_out(number, state.cells)
        cells, now = replaced(state.cells, written), number
        if written.place >= 0:
            others = tuple(self._world.overtaken(number, written.place) for number in others)
            now = self._world.overtaken(number, written.place)
        problems = tuple(of_write(self._world, worker, state.cells, written)) if written.place >= 0 else ()
        after = ModelState(cells, others, deliveries, state.left, state.events)
        if written.place >= 0:
            after = self._heard(after, written, self._world.woken(state.cells, written) - {worker.function})
        following, died = self._world.answered(now, written.reply), after
        if self._scenario.drops and isinstance(following, Ended):
            seen = frozenset((place, function) for function, place in following.seen)
            after = after._replace(events=after.events - seen)
        yield Transition("asks", number, self._goes_on(after, following), problems)
        acknowledged = isinstance(following, Ended) and following.result is DeliveryResult.ACKNOWLEDGED
        if acknowledged and state.left[self._crashes]:
            yield Transition("asks and dies", number, self._redelivered(died, others, self._crashes), problems)
        if worker.writes and state.left[self._losses]:
            left = _less(after.left, self._losses)
            lost = self._goes_on(after._replace(left=left), self._world.answered(now, LOST))
            yield Transition("asks and gets no answer", number, lost, problems)

    def _goes_on(self, state: ModelState, following: int | Ended) -> ModelState:
        """The state with a worker that goes on, or ended."""
        if isinstance(following, Ended) and following.result is DeliveryResult.AGAIN:
            return state._replace(workers=_sorted(state.workers), deliveries=self._one_more(state))
        mine = () if isinstance(following, Ended) else (following,)
        return state._replace(workers=_sorted((*state.workers, *mine)))

    def _redelivered(self, state: ModelState, workers: tuple[int, ...], budget: int) -> ModelState:
        return ModelState(state.cells, _sorted(workers), self._one_more(state), _less(state.left, budget), state.events)

    def _one_more(self, state: ModelState) -> int:
        """Beyond one for each worker, a delivery shares that of another."""
        return min(state.deliveries + 1, self._scenario.workers)

    def _moves(self, state: ModelState) -> Iterator[Transition]:
        for index, move in enumerate(self._scenario.moves):
            request = move.asks(lambda ref: self._world.look(state.cells, ref)) if state.left[index] else None
            if request:
                written = self._world.ask(request, state.cells)
                yield Transition(move.name, -1, self._moved(state, written, _less(state.left, index)))
        if collected := self._collection(state.cells):
            yield Transition(self._collects.name, -1, self._moved(state, collected, state.left))

    def _moved(self, state: ModelState, written: WriteResult, left: tuple[int, ...]) -> ModelState:
        """Somebody else wrote: an event, unless that shows that there is nothing to do.

        Which object an event is about matters only where events are dropped; else it is a delivery like any other.
        """
        workers = _sorted(self._world.overtaken(worker, written.place) for worker in state.workers)
        after = ModelState(replaced(state.cells, written), workers, state.deliveries, left, state.events)
        return self._heard(after, written, self._world.woken(state.cells, written))

    def _heard(self, state: ModelState, written: WriteResult, woken: frozenset[str]) -> ModelState:
        """The state with an event about a write for these functions."""
        if not woken:
            return state
        if not self._scenario.drops:
            return state._replace(deliveries=self._one_more(state))
        place = written.place if written.cell.content else ~written.place
        return state._replace(events=state.events | {(place, function) for function in woken})

    def _collection(self, cells: Cells) -> WriteResult | None:
        """What the garbage collector does next, if anything."""
        if cells not in self._collected:
            request = self._collects.asks(lambda ref: self._world.look(cells, ref))
            self._collected[cells] = self._world.ask(request, cells) if request else None
        return self._collected[cells]

    def _schedule(self, number: int) -> list[str]:
        """A shortest way to a state."""
        way: list[str] = []
        while (before := self._from[number]) >= 0:
            steps = self._steps(self._states[before])
            step = next(step for step in steps if step.state == self._states[number])
            way.append(self._told(self._states[before], step))
            number = before
        return way[::-1]

    def _told(self, state: ModelState, step: Transition) -> str:
        if step.who < 0:
            return step.what
        worker = self._world.worker(step.who)
        status = self._world.carry_out(step.who, state.cells).reply.status
        after = f", is answered {status}" if step.what == "asks" else ""
        came = [worker for worker in step.state.workers if worker not in state.workers]
        return f"worker {step.who} {step.what}: {worker}{after}" + (f", goes on as {came[0]}" if came else "")


def circle(states: int, sources: "array[int]", targets: "array[int]") -> int | None:
    """A state on, or after, a circle of steps; None where every way ends (Kahn's topological sorting)."""
    arriving = array("q", bytes(8 * states))
    for target in targets:
        arriving[target] += 1
    # Breadth first, a state's steps are side by side, in the order of the states.
    starts = array("q", bytes(8 * (states + 1)))
    for source in sources:
        starts[source + 1] += 1
    for number in range(states):
        starts[number + 1] += starts[number]
    ready = [number for number in range(states) if not arriving[number]]
    while ready:
        number = ready.pop()
        arriving[number] = -1
        for at in range(starts[number], starts[number + 1]):
            arriving[targets[at]] -= 1
            if not arriving[targets[at]]:
                ready.append(targets[at])
    return next((number for number in range(states) if arriving[number] > 0), None)


def _sorted(workers: Iterable[int]) -> tuple[int, ...]:
    """Workers are interchangeable."""
    return tuple(sorted(workers))


def _without(workers: tuple[int, ...], number: int) -> tuple[int, ...]:
    at = workers.index(number)
    return (*workers[:at], *workers[at + 1 :])


def _less(left: tuple[int, ...], index: int) -> tuple[int, ...]:
    return (*left[:index], left[index] - 1, *left[index + 1 :])
