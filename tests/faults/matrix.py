"""All single faults of a chain, and a sample of pairs: planned from an undisturbed run, tried one by one, and judged.

As every step must end as if nothing had been, the next fault is put into the next step, round and round the loop.
"""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from local.stack import Stack
from tests.faults import deliveries, request_faults
from tests.faults.destinations import Form
from tests.faults.fault_world import FaultWorld
from tests.faults.oracles import RunResult, broken, ended, state, untrue
from tests.faults.plane import INSTALLED, NAMESPACE
from tests.faults.plans import UNDISTURBED, Plan, Reference
from tests.faults.steps import Chain, ChainStep
from tests.faults.traffic import Delivery
from tests.masks import unlike


@dataclass
class Verdict:
    """How many faults were tried, by what they are, and what each failed one broke."""

    tried: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, problems: list[str]) -> None:
        """One more."""
        self.tried += 1
        if problems:
            self.failed[what] = problems


@contextmanager
def walking(stack: Stack, chain: Chain, form: Form = Form.BASE) -> Iterator["Matrix"]:
    """A matrix in the namespace for it, of which nothing is left afterwards."""
    matrix = Matrix(FaultWorld(stack, NAMESPACE, INSTALLED, form=form), chain)
    try:
        yield matrix
    finally:
        matrix.world.clear()


class Matrix:
    """One chain in one namespace, at the beginning of its loop, and how its steps end undisturbed."""

    def __init__(self, world: FaultWorld, chain: Chain) -> None:
        self.chain = chain
        self.world = world
        self._elsewhere = False
        self.begin()
        began = state(world)
        self.references = self.again()
        # What was changed and taken back is as if it had been applied afresh.
        assert not chain.setup or not [*unlike(began, self.references[-1].ended.state)], "not where the loop began"

    def begin(self, until: int = 0) -> None:
        """From nothing to a step of the loop: a failed run may have left anything."""
        self.world.clear()
        for step in (*self.chain.setup, *self.chain.loop[:until]):
            step.act(self.world)
            self.world.drain()

    def again(self) -> list[Reference]:
        """The loop once, undisturbed: without a fault every run is the same."""
        return [self._undisturbed(step) for step in self.chain.loop]

    def plans(self, paired: int = 0) -> list[list[Plan]]:
        """All plans, by step of the loop, with so many pairs for each."""
        faults_of_steps = []
        for number, reference in enumerate(self.references):
            following = self._step(number + 1)
            together = self.world.form is Form.COMPACT
            single = request_faults.plans(reference, following, together=together)
            asked = [*single, *request_faults.refusals(reference)]
            asked = [plan for plan in asked if not (plan.overtakes and following.forbids)]
            sent = [*deliveries.plans(reference)]
            faults_of_steps.append([*asked, *sent, *_pairs(asked, sent, paired, seed=f"{self.chain.name}/{number}")])
        return faults_of_steps

    def run(self, plans: list[list[Plan]], *, until_failed: bool = False) -> Verdict:
        """Every plan at its step, round and round, until none is left, or one has failed."""
        verdict, waiting, place = Verdict(), [list(reversed(plan)) for plan in plans], 0
        while any(waiting) and not (until_failed and verdict.failed):
            plan = waiting[place].pop() if waiting[place] else UNDISTURBED
            problems = self.attempt(place, plan)
            if plan is not UNDISTURBED or problems:
                verdict.note(f"{self.chain.name}, {self._step(place).name}: {plan.name}", problems)
            place = (place + 1 + plan.overtakes) % len(self.chain.loop)
            if problems or self._elsewhere:
                self.begin(until=place)
        return verdict

    def attempt(self, place: int, plan: Plan) -> list[str]:
        """One step with one fault; what is wrong with its end."""
        world = self.world
        self._elsewhere = False
        world.begin()
        # A process that is overtaken may write what its second look mends; so may one that all functions race.
        may_err = plan.overtakes or (plan.races and world.form is Form.COMPACT)
        world.check = _nothing if may_err else untrue
        plan.arm(world)
        try:
            self._step(place).act(world)
            world.drain()
            missed = plan.overtakes and world.fault is not None
            world.disarm()
            if missed:
                self._step(place + 1).act(world)
                world.drain()
            problems = [*self._swept()] if plan.loses or plan.refuses else []
            return [*problems, *(self._met(place) if plan.overtakes else broken(world, self._wanted(place, plan)))]
        except AssertionError as wrong:
            return [str(wrong)]
        finally:
            world.disarm()

    def _wanted(self, place: int, plan: Plan) -> RunResult:
        """How a step must end; where an object was refused, each function may say so, and then that it is done."""
        undisturbed = self.references[place].ended
        more = 2 * len(self.world.functions) if plan.refuses else 0
        return replace(undisturbed, writes=undisturbed.writes + more)

    def _met(self, place: int) -> list[str]:
        """What is wrong with the end of a step and the next one that met.

        Taken back in the middle, the step may also end as the one before did: then the chain does not go on from here.
        """
        reference, following = self.references[place], self.references[(place + 1) % len(self.references)]
        wanted = _sum(reference.ended, following.ended)
        problems = [*broken(self.world, wanted, racing=True)]
        if problems and self._step(place + 1).undoes:
            self._elsewhere = True
            before = self.references[place - 1].ended.state
            return [*broken(self.world, replace(wanted, state=before), racing=True)]
        return problems

    def _swept(self) -> Iterator[str]:
        """One sweep, and what comes of it; a second one must find nothing."""
        self.world.sweep()
        self.world.drain()
        if count := self.world.sweep():
            yield f"a second sweep asks for {count} reconciles"
            self.world.drain()

    def _step(self, place: int) -> ChainStep:
        return self.chain.loop[place % len(self.chain.loop)]

    def _undisturbed(self, step: ChainStep) -> Reference:
        world = self.world
        world.begin()
        offered: list[Delivery] = []

        def listen(_number: int, delivery: Delivery) -> Iterable[Delivery]:
            offered.append(delivery)
            return (delivery,)

        world.reroute = listen
        step.act(world)
        world.drain()
        world.disarm()
        assert not world.defects, world.defects
        return Reference(ended(world), world.asked, offered)


def _nothing(_world: FaultWorld) -> Iterable[str]:
    return ()


def _pairs(asked: list[Plan], sent: list[Plan], count: int, seed: str) -> Iterator[Plan]:
    """A fault of a request together with one of a delivery: so many, by chance."""
    chance = random.Random(seed)
    alone = [plan for plan in asked if not (plan.overtakes or plan.refuses)]
    for _ in range(min(count, len(alone))):
        yield _both(chance.choice(alone), chance.choice(sent))


def _both(reference: Plan, following: Plan) -> Plan:
    def arm(world: FaultWorld) -> None:
        reference.arm(world)
        following.arm(world)

    return Plan(f"{reference.name}, and {following.name}", arm, races=reference.races, loses=following.loses)


def _sum(first: RunResult, then: RunResult) -> RunResult:
    """The bounds of two steps that met: the end of the second, and no more than both together."""
    return RunResult(
        then.state,
        first.creations + then.creations,
        first.deletions + then.deletions,
        first.changes + then.changes,
        first.rollouts + then.rollouts,
        first.writes + then.writes,
    )
