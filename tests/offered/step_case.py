"""One state that conditions tell of, and the step out of it, taken from what they offer.

A command is what stands in back quotes and begins with `kubectl`, or the end of a step of `explain`. A field is a name
in back quotes. A step may run only commands, and edit only fields, that are offered.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.local_errors import CommandFailed
from runtime.conditions import step_in
from runtime.objects import KEPLER, Kind
from tests.offered.operated_namespace import OperatedNamespace

# Commands that only look; they are run in every state that offers them.
LOOKING = re.compile(r"kubectl (kepler (explain|doctor|status|history|dead-letters$)|get|describe|logs)\b")
# What the API server says of a log where there is no kubelet.
NO_KUBELET = "does not have a host assigned"


@dataclass
class OfferedState:
    """A state as its conditions and `explain` tell of it; the console shows `step_in` of a message."""

    operated: OperatedNamespace
    case: "StepCase"
    messages: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The messages of all conditions of the case."""
        return " ".join(self.messages)

    @property
    def commands(self) -> tuple[str, ...]:
        """Every command that is offered."""
        quoted = re.findall(r"`(kubectl [^`]*)`", " ".join((self.message, *self.steps)))
        bare = (re.search(r"(?:^|: )(kubectl .*)$", step) for step in self.steps)
        return tuple(dict.fromkeys((*quoted, *(match[1] for match in bare if match and "`" not in match[1]))))

    def run(self, *parts: str) -> None:
        """Run the one offered command that has all these parts."""
        [command] = [command for command in self.commands if all(part in command for part in parts)]
        self.operated.run(command)

    def edit(self, path: str, value: Any, *, offered: str = "") -> None:
        """Set a field of the resource, by its dotted path, that a step is about by this path or by the name given.

        The step names the field, or is the rest of the sentence that does ("`roles` names 'x': take it out"), or says
        that the message names it.
        """
        field = f"`{offered or path}`"
        sentences = [message for message in self.messages if message.partition(": ")[2] == step_in(message)]
        referring = [message for message in self.messages if "the message names" in step_in(message)]
        shown = (*sentences, *referring, *map(step_in, self.messages), *self.steps)
        assert any(field in step for step in shown), f"no step is about {field}: {shown}"
        change = value
        for part in reversed(path.split(".")):
            change = {part: change}
        kind = self.case.of
        self.operated.patch(f"{kind.plural}.{kind.group}/{self.case.called}", {"spec": change})

    def offers(self, *words: str) -> None:
        """Fail where the condition does not have these words."""
        for word in words:
            assert word in self.message, f"{word} is not offered: {self.message}"


Act = Callable[[OperatedNamespace], None]
Step = Callable[[OfferedState], None]


def wait(_offered: OfferedState) -> None:
    """Take no step: what is there needs none."""


@dataclass(frozen=True)
class StepCase:
    """`state` makes the conditions have the reason, and `step` takes it from them, until the resource is `Ready`.

    `leaves` are words of offered commands that another case runs. `unseen` says what of the step an API server alone
    cannot show. `still` says that the resource is as it should be already, and nothing is to be done.
    """

    reason: str
    conditions: tuple[str, ...]
    state: Act
    step: Step = wait
    name: str = ""
    of: Kind = KEPLER
    called: str = "kepler"
    leaves: tuple[str, ...] = ()
    unseen: str = ""
    still: bool = False

    def __str__(self) -> str:
        return f"{self.reason}-{self.name or self.conditions[0]}"


def play(case: StepCase, operated: OperatedNamespace) -> None:
    """Make the state, look at all that is offered, take the step, and see the resource mended."""
    ref = operated.key(case.of, case.called)
    case.state(operated)
    operated.follow()
    there = operated.conditions(ref)
    reasons = {condition: (there.get(condition) or {}).get("reason") for condition in case.conditions}
    assert reasons == dict.fromkeys(case.conditions, case.reason), _told(there)
    messages = tuple(str(there[condition]["message"]) for condition in case.conditions)
    offered = OfferedState(operated, case, messages, operated.explained(ref).next)
    _look(offered)
    case.step(offered)
    operated.follow()
    left = [command for command in offered.commands if command not in operated.ran]
    assert not [command for command in left if not any(word in command for word in case.leaves)], "no case runs these"
    now = operated.conditions(ref)
    assert now["Ready"]["status"] == "True", _told(now)
    if not case.still:
        assert not [kind for kind in case.conditions if now.get(kind, {}).get("reason") == case.reason], _told(now)
    assert not operated.explained(ref).next


def _look(offered: OfferedState) -> None:
    """Run every command that only looks."""
    for command in offered.commands:
        if not LOOKING.match(command):
            continue
        try:
            offered.operated.run(command)
        except CommandFailed as refused:
            if not (" logs " in command and NO_KUBELET in str(refused)):
                pytest.fail(f"`{command}`: {refused}")


def _told(conditions: Any) -> str:
    return "\n".join(
        f"{kind} {condition['status']} {condition['reason']}: {condition['message']}"
        for kind, condition in conditions.items()
    )


def lines(case: StepCase) -> Iterator[tuple[str, str]]:
    """Yield the reason with each condition that the case is about."""
    yield from ((condition, case.reason) for condition in case.conditions)
