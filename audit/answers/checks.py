"""Checks that need only data that `audit` has: the last sweep, dead letters, resources. Pure.

`kubectl kepler doctor` makes these and more; the console's page makes only these, since `audit` may read nothing else
of the cluster.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from audit.answer_models import DeadLetter, FinishedSweep, StoreState
from events.report import EventPart
from runtime.ages import age

Level = Literal["ok", "warn", "fail"]

# Seconds after which the last sweep is overdue; it runs every five minutes.
SWEEP_LATE = 900.0
# How many resources the console's page names one by one; its list of resources has all of them.
MAX_NAMED = 5


class Check(EventPart):
    """The result of one check: the `area`, its level, the finding, and what to do about it."""

    area: str
    level: Level
    says: str
    do: str = ""


class Health(EventPart):
    """The checks that the console can make, over the data that the viewer may see; `namespace` is the functions'."""

    namespace: str
    checks: tuple[Check, ...]


def ok(area: str, says: str) -> Check:
    """Return a check of level `ok`."""
    return Check(area=area, level="ok", says=says)


def warn(area: str, says: str, do: str) -> Check:
    """Return a check of level `warn`: it works but should be changed, or it could not be checked."""
    return Check(area=area, level="warn", says=says, do=do)


def fail(area: str, says: str, do: str) -> Check:
    """Return a check of level `fail`."""
    return Check(area=area, level="fail", says=says, do=do)


def summed(area: str, checks: Iterable[Check], well: str) -> Iterator[Check]:
    """Yield the checks that are not `ok`, or a single `ok` with the text `well` if there are none."""
    problems = [check for check in checks if check.level != "ok"]
    yield from problems or [ok(area, well)]


def sweep(state: StoreState, now: datetime, namespace: str) -> Iterator[Check]:
    """Check that sweeps run, by the reports that are stored; `namespace` is the functions'."""
    last = state.sweep
    if last is None:
        yield warn("sweep", "none has been reported yet", "wait five minutes; then look at Trigger 'kepler-sweep'")
        return
    ago = age(last.time, now)
    if (now - last.time).total_seconds() > SWEEP_LATE:
        look = f"kubectl -n {namespace} describe pingsource kepler-sweep; the log of function 'kepler-sweep'"
        yield fail("sweep", f"the last one was {ago} ago: what an event missed stays so", look)
    else:
        yield ok("sweep", f"{ago} ago{_counts(last)}")


def _counts(swept: FinishedSweep) -> str:
    """Return the counts of a sweep, or why they are hidden: they are about the whole cluster."""
    if swept.resources is None or swept.diverging is None:
        return "; what it found is shown to those only who may `get keplers` in the whole cluster"
    were = "was not as it" if swept.diverging == 1 else "were not as they"
    return f", over {_number(swept.resources, 'resource')}; {swept.diverging} {were} should be"


def letters(dead_letters: Sequence[DeadLetter], now: datetime) -> Iterator[Check]:
    """Check that every event was delivered; `dead_letters` are sorted, the newest first."""
    if not dead_letters:
        yield ok("dead letters", "none")
        return
    events = _number(len(dead_letters), "event")
    sentence = f"{events} could not be delivered, the last {age(dead_letters[0].time, now)} ago"
    yield warn("dead letters", sentence, "kubectl kepler dead-letters; then: kubectl kepler dead-letters replay --all")


def resources(late: Iterable[tuple[str, str]], count: int) -> Iterator[Check]:
    """Check that Keplers are Ready; `late` are namespace and name of those that are not, `count` counts all Keplers."""
    names = list(late)
    for namespace, name in names:
        sentence = f"Kepler {namespace}/{name} is not Ready"
        yield warn("resources", sentence, f"kubectl kepler explain {name} -n {namespace}")
    if not names:
        yield ok("resources", _all_ready(count) if count else "no Kepler yet")


def _all_ready(count: int) -> str:
    return "1 Kepler, and it is Ready" if count == 1 else f"{count} Keplers, all of them Ready"


def _number(count: int, word: str) -> str:
    """Return a number with its noun, in the plural unless there is one."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def health(
    state: StoreState,
    undelivered: Sequence[DeadLetter],
    keplers: Sequence[tuple[str, str, bool]],
    *,
    now: datetime,
    namespace: str,
) -> Health:
    """Return all checks over what a viewer may see; `keplers` are namespace, name, and whether each is Ready."""
    late = [(place, name) for place, name, is_ready in keplers if not is_ready]
    checks = [
        *sweep(state, now, namespace),
        *letters(undelivered, now),
        *resources(late[:MAX_NAMED], len(keplers)),
    ]
    if len(late) > MAX_NAMED:
        more = len(late) - MAX_NAMED
        are = "is" if more == 1 else "are"
        checks.append(warn("resources", f"{_number(more, 'more Kepler')} {are} not Ready", "kubectl kepler status -A"))
    return Health(namespace=namespace, checks=tuple(checks))
