"""What can happen to a request of a function to the API server, and to the function while it waits for the answer."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from runtime.client import ApiResponse, Request, Transport
from runtime.objects import Ref
from tests.faults.destinations import PATIENCE
from tests.faults.fault_world import Fault, FaultWorld
from tests.faults.plans import Plan, Reference
from tests.faults.steps import ChainStep
from tests.faults.traffic import Delivery, Died, ObservedRequest, addressed

AWAY = {"message": "injected: away"}


def die_after(_world: FaultWorld, _delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
    """The process ends once the request was carried out."""
    through(request)
    raise Died


def lose(_world: FaultWorld, _delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
    """Carried out, but the connection breaks before the answer; the function tries again."""
    through(request)
    return ApiResponse(0, {"message": "injected: connection reset"})


def expire(_world: FaultWorld, _delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
    """Carried out, but the API server says that it took too long; the function tries again."""
    through(request)
    return ApiResponse(504, {"message": "injected: timeout"})


def lose_and_fail(world: FaultWorld, delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
    """Carried out, the answer is lost, and the API server stays away until the delivery is given up."""
    world.fail(delivery)
    return lose(world, delivery, request, through)


def go_away(world: FaultWorld, delivery: Delivery, _request: Request, _through: Transport) -> ApiResponse:
    """Not carried out, and neither is anything else until the delivery is given up."""
    world.fail(delivery)
    return ApiResponse(0, AWAY)


def run_out_of_time(world: FaultWorld, delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
    """Carried out and answered, but so slowly that the reconcile's deadline is over: nothing else is sent after it."""
    answered = through(request)
    world.fail(delivery)
    return answered


def race(world: FaultWorld, delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
    """Just before, another process receives the same event and goes through with it."""
    world.queue.appendleft(delivery)
    world.meanwhile(1)
    return through(request)


def answer(status: int) -> Fault:
    """Not carried out, but answered so; the function tries again."""

    def answered(_world: FaultWorld, _delivery: Delivery, _request: Request, _through: Transport) -> ApiResponse:
        return ApiResponse(status, {"message": f"injected {status}"})

    return answered


def overtake(step: ChainStep, *, heard: bool = True) -> Fault:
    """Just before, the user does the next thing, and others have dealt with it before this one goes on.

    Unheard, the events of what this one still writes are lost to its own process, which might mend by them.
    """

    def overtaken(world: FaultWorld, delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
        step.act(world)
        world.meanwhile()
        world.unheard = None if heard else delivery.destination
        return through(request)

    return overtaken


def interrupt(step: ChainStep) -> Fault:
    """Just before, the user does the next thing; its events wait until this process has ended what it is doing."""

    def interrupted(world: FaultWorld, _delivery: Delivery, request: Request, through: Transport) -> ApiResponse:
        step.act(world)
        return through(request)

    return interrupted


WRITING: Mapping[str, Fault] = {
    "die after": die_after,
    "lose the answer of": lose,
    "lose the answer of, and fail at": lose_and_fail,
    "time out at": expire,
    "fail at": go_away,
    "run out of time after": run_out_of_time,
    **{f"answer {status} to": answer(status) for status in (409, 429, 500, 504)},
}
RACING: Mapping[str, Fault] = {"race at": race}
# The delivery fails with the request, without the function's own further tries.
FAILING = (lose_and_fail, go_away, run_out_of_time)
# To a function these are one answer (`runtime.client`), so reads meet them in turn.
TRANSIENT = (429, 500, 504)


def arm(number: int, fault: Fault) -> Callable[[FaultWorld], None]:
    """Puts a fault at a request."""

    def put(world: FaultWorld) -> None:
        world.at, world.fault = number, fault
        world.patience = 0.0 if fault in FAILING else PATIENCE

    return put


def plans(reference: Reference, following: ChainStep, *, together: bool = False) -> Iterator[Plan]:
    """Every fault at every request of a step; those that nobody could tell apart once.

    `together`: all functions are in one process. There are two of it during an upgrade only, and then an event may be
    dropped that one of them needed: the next sweep makes up for an overtaking. With one, the user's next step waits.

    Between two writes of a delivery a process may die anywhere: nothing that outlives it is different. So it dies once
    before its first request, and after each write. A delivery that writes nothing is not raced: another process that
    receives the same event writes nothing either.
    """
    for _, numbered in groupby(enumerate(reference.asked), lambda one: id(one[1].delivery)):
        requests = list(numbered)
        writes = any(asked.writes for _, asked in requests)
        for place, (number, asked) in enumerate(requests):
            for text, fault in _faults(place, number, asked, raced=writes).items():
                yield Plan(f"{text} {named(number, asked)}", arm(number, fault), races=fault is race)
            for heard in (True, False) if asked.writes else (True,):
                text = f"{'overtake' if heard else 'overtake unheard at'} {named(number, asked)}"
                yield Plan(text, arm(number, overtake(following, heard=heard)), overtakes=True, loses=together)
            if together:
                yield Plan(f"interrupt {named(number, asked)}", arm(number, interrupt(following)), overtakes=True)


def refusals(reference: Reference) -> Iterator[Plan]:
    """Every object that a step changes, refused by a policy of the cluster until the step has come to rest.

    Whoever is refused has changed nothing else for the same decision; once the policy is gone, a sweep finds it.
    """
    writes = (request.request for request in reference.asked if request.writes)
    changed = (addressed(request) for request in writes if not request.path.endswith("/status"))
    for ref in dict.fromkeys(changed):
        yield Plan(f"refuse {ref}", _refuse(ref), refuses=ref)


def _refuse(ref: Ref) -> Callable[[FaultWorld], None]:
    def put(world: FaultWorld) -> None:
        world.refused = ref

    return put


def _faults(place: int, number: int, asked: ObservedRequest, *, raced: bool) -> Mapping[str, Fault]:
    racing = RACING if raced else {}
    if asked.writes:
        return {**WRITING, **racing}
    status = TRANSIENT[number % len(TRANSIENT)]
    first = {"fail at": go_away, f"answer {status} to": answer(status)} if place == 0 else {}
    return {**first, **racing}


def named(number: int, asked: ObservedRequest) -> str:
    """A request, for people."""
    where = asked.request.path.rpartition("/namespaces/")[2]
    return f"request {number}, {asked.request.method} {where} ({asked.delivery})"
