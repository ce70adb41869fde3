"""One check, what the checks look at, and how what is there is compared with what this version generates."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from audit.model import DeadLetter, State
from cli.leaves import dotted, leaves
from cli.parts import Installation
from events.report import Part
from functions import wiring
from runtime.objects import Manifest, Ref

Level = Literal["ok", "warn", "fail"]
APPLY = "kubectl apply --server-side -k config/base (of this version)"
HEADINGS = ("CHECK", "", "WHAT", "TO DO")


class Check(Part):
    """What was looked at (`area`), how it is, and what to do where it is not as it should be."""

    area: str
    level: Level
    says: str
    do: str = ""


class Diagnosis(Part):
    """All checks; `healthy` where none fails. `version` is this program's, `server` the API server's."""

    healthy: bool
    version: str
    server: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Seen:
    """What is there. `objects` has an entry for everything that was looked for (None: absent); `hidden` are those
    that the user may not read; `rights` is what he may do; `state` is None where the query API is out of reach."""

    now: datetime
    objects: Mapping[Ref, Manifest | None] = field(default_factory=dict)
    hidden: frozenset[Ref] = frozenset()
    installed: Installation = field(default_factory=Installation)
    keplers: tuple[Manifest, ...] = ()
    letters: tuple[DeadLetter, ...] | None = None
    state: State | None = None
    rights: Mapping[str, bool] = field(default_factory=dict)

    def find(self, kind: str, name: str) -> Manifest | None:
        """An object that was looked for, by its kind and name, which are unique here."""
        return next((one for ref, one in self.objects.items() if (ref.kind.name, ref.name) == (kind, name)), None)

    def may_see(self, kind: str, name: str) -> bool:
        """Whether the user may read it."""
        return not any((ref.kind.name, ref.name) == (kind, name) for ref in self.hidden)


def generated(kind: str, api: str = "") -> Iterator[Manifest]:
    """Everything of a kind that `config/base` has; `api` tells Knative's Services from the other ones."""
    for objects in wiring.base().values():
        yield from (one for one in objects if one["kind"] == kind and one["apiVersion"].startswith(api))


def ok(area: str, says: str) -> Check:
    """All is well."""
    return Check(area=area, level="ok", says=says)


def warn(area: str, says: str, do: str) -> Check:
    """It works, and should not stay so; or nobody could look."""
    return Check(area=area, level="warn", says=says, do=do)


def fail(area: str, says: str, do: str) -> Check:
    """It does not work."""
    return Check(area=area, level="fail", says=says, do=do)


def summed(area: str, checks: Iterable[Check], well: str) -> Iterator[Check]:
    """What is wrong or, where nothing is, one line for all."""
    found = [one for one in checks if one.level != "ok"]
    yield from found or [ok(area, well)]


def unlike(wanted: Any, there: Any) -> list[str]:
    """The fields of `wanted` that `there` does not have; what it has besides is the server's, or Knative's."""
    here = leaves({"spec": there or {}})
    return [dotted(path) for path, value in leaves({"spec": wanted}).items() if here.get(path) != value]


def shown(paths: list[str]) -> str:
    """A few of them."""
    return ", ".join(f"`{one}`" for one in paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
