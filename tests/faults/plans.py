"""What a plan is: one fault, or two, of one step; and what an undisturbed step is, from which plans are made."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.objects import Ref
from tests.faults.fault_world import FaultWorld
from tests.faults.oracles import RunResult
from tests.faults.traffic import Delivery, ObservedRequest


@dataclass(frozen=True)
class Plan:
    """`arm` puts the fault into the world.

    `overtakes` says that the next step begins in the middle of this one, `races` that another process goes through
    with the same event in the middle of a delivery, `loses` that only a sweep can make up for it, `refuses` that a
    policy of the cluster takes no write of this object until the step has come to rest.
    """

    name: str
    arm: Callable[[FaultWorld], None]
    overtakes: bool = False
    races: bool = False
    loses: bool = False
    refuses: Ref | None = None


UNDISTURBED = Plan("undisturbed", lambda _: None)


@dataclass(frozen=True)
class Reference:
    """An undisturbed step: how it ends, what was asked on the way, and what was offered to whom, in order."""

    ended: RunResult
    asked: list[ObservedRequest]
    offered: list[Delivery]

    def costs(self, delivery: Delivery) -> bool:
        """Whether a delivery made any request; one that did not was answered from the event alone."""
        return any(request.delivery is delivery for request in self.asked)
