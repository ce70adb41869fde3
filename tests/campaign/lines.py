"""The line of releases changed there and back while every field is set: each time as if it had been applied afresh."""

from collections.abc import Iterator

from crds.collector_fields import ReleaseLine
from tests.campaign.full_specs import full_specs
from tests.campaign.ground import Ground, without_intent
from tests.masks import unlike

NAME = "the line changed with every field set"
WAY = (ReleaseLine.V0_11, ReleaseLine.V0_7, ReleaseLine.V0_11)


def drive(ground: Ground) -> list[str]:
    """Return what is wrong on the way, or differs from a fresh apply of the same specs."""
    problems = [*_walked(ground)]
    ground.clear()
    return problems


def _walked(ground: Ground) -> Iterator[str]:
    fresh = {}
    for line in (ReleaseLine.V0_7, ReleaseLine.V0_11):
        ground.clear()
        yield from (f"{line} afresh: {text}" for text in _become(ground, line))
        fresh[line] = without_intent(ground.state())
    ground.clear()
    for line in WAY:
        yield from (f"to {line}: {text}" for text in _become(ground, line))
        yield from (f"to {line}: {text}" for text in unlike(fresh[line], without_intent(ground.state())))


def _become(ground: Ground, line: ReleaseLine) -> Iterator[str]:
    """Apply all specs of a line; yield why they are refused, or what is wrong when nothing moves any more."""
    refused = ground.write(full_specs(line))
    yield from [refused] if refused else ground.rest()
    yield from map(str, ground.rejections())
