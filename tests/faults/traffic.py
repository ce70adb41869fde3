"""What goes through a run: deliveries to functions, their requests, and the writes that come of them."""

from dataclasses import dataclass

from runtime.client import Request
from runtime.event import Event
from runtime.objects import Manifest, Ref
from tests.as_kubectl import KINDS
from tests.faults.destinations import Destination


class Died(BaseException):
    """A process is gone: nothing catches this on its way out."""


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one Service, for the `attempt`-th time."""

    destination: Destination
    event: Event
    attempt: int = 1

    def __str__(self) -> str:
        kind = self.event.type.rpartition(".")[2]
        return f"{self.destination.name} <- {kind} {self.event.kind} '{self.event.name}'"


@dataclass(frozen=True)
class ObservedWrite:
    """One request that changed something: `before` and `after` are the object, None where there is none."""

    request: Request
    by: str
    ref: Ref
    before: Manifest | None
    after: Manifest | None

    @property
    def creates(self) -> bool:
        """Whether the object was not there before."""
        return self.before is None

    @property
    def deletes(self) -> bool:
        """Whether the object is not there any more."""
        return self.after is None


@dataclass
class ObservedRequest:
    """One request of a run: who made it, and whether it may write."""

    delivery: Delivery
    request: Request

    @property
    def writes(self) -> bool:
        """Whether it is an apply or a deletion."""
        return self.request.writes


def addressed(request: Request) -> Ref:
    """The object that a request names."""
    steps = request.path.strip("/").split("/")
    version, rest = ("/".join(steps[1:2]), steps[2:]) if steps[0] == "api" else ("/".join(steps[1:3]), steps[3:])
    namespace, rest = (rest[1], rest[2:]) if rest[0] == "namespaces" and len(rest) > 2 else ("", rest)
    kind = next(kind for kind in KINDS if kind.api_version == version and kind.plural == rest[0])
    return Ref(kind, namespace, rest[1] if len(rest) > 1 else "")


def changes(request: Request, ref: Ref) -> bool:
    """Whether a request would change an object itself, not its status; a dry run counts, as to an admission policy."""
    return request.method != "GET" and not request.path.endswith("/status") and addressed(request) == ref
