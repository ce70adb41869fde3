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
    return f", over {swept.resources} resources; {swept.diverging} were not as they should be"


def letters(dead_letters: Sequence[DeadLetter], now: datetime) -> Iterator[Check]:
    """Check that every event was delivered; `dead_letters` are sorted, the newest first."""
    if not dead_letters:
        yield ok("dead letters", "none")
        return
    sentence = f"{len(dead_letters)} events could not be delivered, the last {age(dead_letters[0].time, now)} ago"
    yield warn("dead letters", sentence, "kubectl kepler dead-letters; then: kubectl kepler dead-letters replay --all")


def resources(late: Iterable[tuple[str, str]], count: int) -> Iterator[Check]:
    """Check that Keplers are Ready; `late` are namespace and name of those that are not, `count` counts all Keplers."""
    names = list(late)
    for namespace, name in names:
        sentence = f"Kepler {namespace}/{name} is not Ready"
        yield warn("resources", sentence, f"kubectl kepler explain {name} -n {namespace}")
    if not names:
        yield ok("resources", f"{count} Keplers, all of them Ready" if count else "no Kepler yet")


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
        checks.append(
            warn("resources", f"{len(late) - MAX_NAMED} more Keplers are not Ready", "kubectl kepler status -A")
        )
    return Health(namespace=namespace, checks=tuple(checks))
