"""A worker: the real `reconcile_together`, held up before each of its calls.

What it does next follows from the answers it was given, so a worker *is* those answers: to go on, it is run again from
its beginning with the answers it had, up to the first call that has none. A round knows nothing of the rounds before
it, so one that begins again is a new worker.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import Enum
from unittest.mock import patch

from tenacity import wait_none

from runtime import client as client_module
from runtime import protocol, statuses
from runtime.client import ApiResponse, Client, Request
from runtime.declaration import Function
from runtime.errors import Unavailable
from runtime.objects import Manifest, Ref
from runtime.protocol import Participant, Phase
from runtime.reconciled import Reconciled

# Longer than any exploration: a lost answer is asked for again, and never given up.
SECONDS = 1e9


class DeliveryResult(Enum):
    """How a worker ended: with its delivery acknowledged, or to be delivered again."""

    ACKNOWLEDGED = "acknowledged"
    AGAIN = "again"


@dataclass(frozen=True)
class Run:
    """What a worker asked so far, the last of it unanswered unless it `ended`.

    `seen` are the objects that each function has noted as read or written, in order, by the function's name.
    """

    asked: tuple[Request, ...]
    ended: DeliveryResult | None = None
    seen: Mapping[str, Sequence[Manifest]] = field(default_factory=dict)


class _HeldUp(BaseException):
    """The next request has no answer yet; nothing catches this on its way out."""


@dataclass
class _Script:
    """A transport that gives the known answers, one after the other."""

    answers: Iterator[ApiResponse]
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> ApiResponse:
        self.asked.append(request)
        for answer in self.answers:
            return answer
        raise _HeldUp


class _Noon(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Noon":
        """Always the same."""
        return cls(2026, 1, 1, 12, tzinfo=tz or UTC)


def run(functions: Sequence[Function], woken: Container[str], key: Ref, answers: Iterable[ApiResponse]) -> Run:
    """A worker from its beginning, with these answers to its calls; functions that are not woken are idle at first."""
    script = _Script(iter(answers))
    participants = [
        Participant(
            function,
            Client(script, manager=function.manager, seconds=SECONDS),
            Reconciled(key),
            Phase.DECIDE if function.name in woken else Phase.IDLE,
        )
        for function in functions
    ]
    try:
        protocol.reconcile_together(participants, key, images={})
    except _HeldUp:
        return Run(tuple(script.asked))
    errors = [participant.error for participant in participants if participant.error]
    if defects := [error for error in errors if not isinstance(error, Unavailable)]:
        raise defects[0]
    seen = {participant.function.name: participant.result.seen for participant in participants if not participant.error}
    return Run(tuple(script.asked), DeliveryResult.AGAIN if errors else DeliveryResult.ACKNOWLEDGED, seen)


@contextmanager
def determined(rounds: int = 1) -> Iterator[None]:
    """The protocol without clock, chance and waiting; after so many rounds a worker ends to be delivered again."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(protocol, "ROUNDS", rounds))
        patches.enter_context(patch.object(protocol, "JITTER", 0.0))
        patches.enter_context(patch.object(statuses, "datetime", _Noon))
        patches.enter_context(patch.object(client_module, "wait_random_exponential", lambda **_: wait_none()))
        yield
