"""Values that cannot be: refused before anything is stored, with a message that names the field."""

import json
import random
from collections.abc import Iterator
from typing import Any

from crds.collector_fields import ReleaseLine
from local.local_errors import CommandFailed
from tests.campaign.full_specs import full_specs, put
from tests.campaign.ground import Ground, document
from tests.campaign.values import UserField, invalid, shown, sort, typo
from tests.campaign.words import names
from tests.faults.matrix import Verdict
from tests.masks import unlike

# Of what is not of the schema's types, the API server says so with a 500 when it is applied (Kubernetes 1.35).
UNTYPED = "failed to create typed patch object"


def drive(ground: Ground, places: tuple[UserField, ...], most: int | None, verdict: Verdict) -> None:
    """Set each field to `most` of its invalid values, chosen by chance, or to all of them; all other fields are set.

    One of each field goes as `kubectl apply` sends it, too.
    """
    for line in ReleaseLine:
        if of_line := [place for place in places if place.line is line]:
            _drive(ground, line, of_line, most, verdict)


def _drive(ground: Ground, line: ReleaseLine, places: list[UserField], most: int | None, verdict: Verdict) -> None:
    """The fields that are driven with a Kepler of one line."""
    settled = ground.begin(full_specs(line))
    before, tried = ground.versions(), verdict.tried
    for place in places:
        chance, values = random.Random(str(place)), invalid(place)
        chosen = chance.sample(values, min(most, len(values))) if most else values
        for value in chosen:
            verdict.note(f"{place} = {shown(value)}, invalid", [*_taken(ground, place, value)])
    problems = [*settled.wrong, *unlike(before, ground.versions())]
    verdict.note(f"{verdict.tried - tried} values refused with {line} leave everything as it was", problems)


def _taken(ground: Ground, place: UserField, value: Any) -> Iterator[str]:
    """Whether the API server takes it, or does not say what is wrong."""
    answer = ground.strictly(place.kind, _written(place, value))
    message = str(answer.body.get("message"))
    if not (400 <= answer.status < 500 or UNTYPED in message):
        yield f"it is answered with {answer.status}: {message}"
    elif not _named(place, message):
        yield f"the answer does not name the field: {message}"


def applied(ground: Ground, place: UserField, value: Any) -> Iterator[str]:
    """The same of `kubectl apply`, which sends what has changed since it was asked last."""
    manifest = json.dumps(document(place.kind, _written(place, value)))
    try:
        ground.world.stack.kubectl("-n", ground.world.namespace, "apply", "-f", "-", stdin=manifest)
    except CommandFailed as refused:
        if not _named(place, str(refused)):
            yield f"kubectl does not name the field: {refused}"
    else:
        yield "kubectl applies it"


def _written(place: UserField, value: Any) -> dict[str, Any]:
    return put(full_specs(place.line)[place.kind], place.steps, value)


def _named(place: UserField, message: str) -> bool:
    """By its own name, or, where it holds one that is not known, by that one's; policies leave out `spec.`."""
    unknown = sort(place.node) == "object" and "properties" in place.node and typo(place.node) in message
    by_policy = f"`{place.where.removeprefix('spec.')}`" in message
    return unknown or by_policy or names(message, place.where)
