"""One property at a time: set from where it counts, left blank, left out again; each time as if nothing had been."""

from collections.abc import Iterator
from typing import Any

from runtime.differences import ABSENT
from tests.campaign.full_specs import full_specs, put
from tests.campaign.ground import Ground, Settled, Specs, without_intent
from tests.campaign.values import UserField, around, at, shown
from tests.campaign.words import names, quotes
from tests.faults.matrix import Verdict
from tests.masks import unlike


def drive(ground: Ground, place: UserField, values: tuple[Any, ...], verdict: Verdict, *, blank: bool = True) -> None:
    """The field set to each of the values in turn, and each time taken back; the first time left `blank` before."""
    for number, value in enumerate(values):
        problems = list(_tried(ground, place, value, blank=(blank and number == 0) or _is_nothing(value)))
        verdict.note(f"{place} = {shown(value)}", problems)
        if problems:
            ground.clear()


def _tried(ground: Ground, place: UserField, value: Any, *, blank: bool) -> Iterator[str]:
    """There and back; where the API server does not take the value alone, with as much around it as there can be.

    That it is left out or empty, it may refuse, if it says which field needs it.
    """
    refused = ""
    for base in (around(place), full_specs(place.line)):
        settled = ground.begin(base)
        if settled.wrong:
            yield from (f"before anything is changed, {problem}" for problem in settled.wrong)
            return
        refused = ground.write(_with(base, place, value))
        if not refused:
            yield from _there(ground, place, value, settled)
            yield from _blank(ground, place, value, settled) if blank else ()
            yield from _emptied(ground, place, value, settled) if "<name>" in place.path else ()
            yield from _back(ground, settled)
            return
        if _is_nothing(value) and _told(refused, place):
            return
    yield f"the API server refuses it: {refused}"


def _there(ground: Ground, place: UserField, value: Any, settled: Settled) -> Iterator[str]:
    """The value reaches something, or a condition says why not and leaves alone what runs."""
    yield from ground.rest()
    yield from unsaid(ground, place.path, settled)
    known, stored = place.known, at(ground.resource(place.kind)["spec"], place.steps)
    if known and value is not ABSENT and stored != value and not _merges_away(place, value):
        yield f"the API server has {shown(stored)}"
    if known and value == known.after != known.before:
        before, after = (without_intent(state) for state in (settled.state, ground.state()))
        yield from () if before != after else ("it changes nothing",)


def unsaid(ground: Ground, path: str, settled: Settled) -> Iterator[str]:
    """What is wrong with how a rejection is told, if anything is rejected now that was not before."""
    new = ground.rejections() - settled.rejections
    if not new:
        return
    if not any(quotes(problem.message, path) for problem in new):
        yield f"no condition names the field: {'; '.join(map(str, sorted(new)))}"
    yield from (
        f"though rejected, what runs is changed: {problem}" for problem in unlike(settled.operands, ground.operands())
    )


def _blank(ground: Ground, place: UserField, value: Any, settled: Settled) -> Iterator[str]:
    """Blank is as left out: for all but the resource's own spec, which says the one or the other."""
    left_out = at(settled.specs[place.kind], place.steps) is ABSENT
    # In a map, the item stays that it is blank in.
    known = left_out and "<name>" not in place.path
    reference = ground.state() if _is_nothing(value) else settled.state if known else None
    refused = ground.write(_with(settled.specs, place, None))
    if refused:
        yield from () if _told(refused, place) else (f"blank, the API server refuses it: {refused}",)
        return
    yield from (f"blank, {problem}" for problem in ground.rest())
    if reference is not None:
        yield from (
            f"blank, {problem}" for problem in unlike(without_intent(reference), without_intent(ground.state()))
        )


def _emptied(ground: Ground, place: UserField, value: Any, settled: Settled) -> Iterator[str]:
    """An item of a map without its only field, and the item still there: what is empty is as good as what is blank."""
    refused = ground.write(_with(settled.specs, place, value)) or ground.write(_with(settled.specs, place, ABSENT))
    yield from (f"the line taken out, {problem}" for problem in ([refused] if refused else ground.rest()))


def _back(ground: Ground, settled: Settled) -> Iterator[str]:
    """Everything is as it was: nothing of the value is left, nor is anybody its owner."""
    refused = ground.write(settled.specs)
    yield from (f"taken back, {problem}" for problem in ([refused] if refused else ground.rest()))
    yield from (f"taken back, {problem}" for problem in unlike(settled.state, ground.state()))


def _with(base: Specs, place: UserField, value: Any) -> dict[str, Any]:
    return {**base, place.kind: put(base[place.kind], place.steps, value)}


def _told(refused: str, place: UserField) -> bool:
    """Whether it is said that another field needs this one."""
    return names(refused, place.where) or quotes(refused, place.path)


def _merges_away(place: UserField, value: Any) -> bool:
    """Whether applying it adds nothing: of a list that others may add to, no item is the same as no list."""
    return value == [] and place.node.get("x-kubernetes-list-type") in ("set", "map")


def _is_nothing(value: Any) -> bool:
    return value is ABSENT or value == {}
