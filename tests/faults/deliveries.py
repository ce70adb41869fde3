"""What can happen to an event on its way: lost, repeated, late, early, or all of them in another order."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping

from tests.faults.fault_world import FaultWorld
from tests.faults.plans import Plan, Reference
from tests.faults.traffic import Delivery

# Given the world, and a delivery that is to meet its fault: what is delivered now.
Reroute = Callable[[FaultWorld, Delivery], Iterable[Delivery]]
SHUFFLES = 20


def drop(_world: FaultWorld, _delivery: Delivery) -> Iterable[Delivery]:
    """It is lost."""
    return ()


def repeat(_world: FaultWorld, delivery: Delivery) -> Iterable[Delivery]:
    """It comes twice."""
    return (delivery, delivery)


def postpone(world: FaultWorld, delivery: Delivery) -> Iterable[Delivery]:
    """It comes when everything else has come to rest."""
    world.postponed.append(delivery)
    return ()


def hurry(world: FaultWorld, delivery: Delivery) -> Iterable[Delivery]:
    """It overtakes all that are on their way."""
    world.queue.appendleft(delivery)
    return ()


REROUTES: Mapping[str, Reroute] = {"lose": drop, "repeat": repeat, "postpone": postpone, "hurry": hurry}


def arm(reroute: Reroute, wanted: int) -> Callable[[FaultWorld], None]:
    """Puts a fault at a delivery, by its number."""

    def place(world: FaultWorld) -> None:
        world.reroute = lambda number, one: reroute(world, one) if number == wanted else (one,)

    return place


def shuffle(seed: int) -> Callable[[FaultWorld], None]:
    """Every delivery at any place among those on their way, by chance; every tenth twice, every tenth late."""

    def place(world: FaultWorld) -> None:
        chance = random.Random(seed)

        def anywhere(_number: int, delivery: Delivery) -> Iterable[Delivery]:
            dice = chance.random()
            if dice < 0.1:
                return postpone(world, delivery)
            for _ in range(2 if dice < 0.2 else 1):
                world.queue.insert(chance.randint(0, len(world.queue)), delivery)
            return ()

        world.reroute = anywhere

    return place


def deaf(world: FaultWorld) -> None:
    """No delivery arrives."""
    world.reroute = lambda _number, _delivery: ()


def plans(reference: Reference) -> Iterator[Plan]:
    """Every fault at every delivery of a step, and all of them together.

    Without those that are answered from the event alone, as an echo is: losing it, or getting it at another time, is
    all the same.
    """
    for number, delivery in enumerate(reference.offered):
        if reference.costs(delivery):
            for text, reroute in REROUTES.items():
                yield Plan(f"{text} delivery {number} ({delivery})", arm(reroute, number), loses=reroute is drop)
    yield Plan("lose every delivery", deaf, loses=True)
    yield from (Plan(f"deliveries in order {seed}", shuffle(seed)) for seed in range(SHUFFLES))
