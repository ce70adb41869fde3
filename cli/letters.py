"""Dead letters as the API server keeps them: ConfigMaps beside the functions. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from audit.model import DeadLetter, Undelivered
from cli.kinds import title
from cli.output import age
from events.report import ObjectName
from runtime import hidden
from runtime.event import moment
from runtime.letters import LABEL
from runtime.objects import CONFIG_MAP, Manifest, Ref, metadata, name
from runtime.settings import NAMESPACE

HEADINGS = ("NAME", "AGE", "ABOUT", "EVENT", "ANSWER")
SHOWN = 80


def ref(letter: str) -> Ref:
    """Where a letter of this name is kept."""
    return Ref(CONFIG_MAP, NAMESPACE, letter)


def is_letter(config_map: Manifest) -> bool:
    """Whether a ConfigMap is one; the functions' namespace has others."""
    return LABEL in (metadata(config_map).get("labels") or {})


def letters(config_maps: Iterable[Manifest]) -> tuple[DeadLetter, ...]:
    """All letters, newest first."""
    return tuple(sorted((letter(one) for one in config_maps), key=lambda one: one.time, reverse=True))


def letter(config_map: Manifest) -> DeadLetter:
    """One letter; what an older release wrote otherwise is left empty."""
    kept: Mapping[str, str] = config_map.get("data") or {}
    attributes = _attributes(kept.get("attributes", ""))
    about = ObjectName(
        api_version=attributes.get("apiversion", ""),
        kind=attributes.get("kind", ""),
        namespace=attributes.get("namespace", ""),
        name=attributes.get("name", ""),
    )
    made = str(metadata(config_map).get("creationTimestamp") or "")
    return DeadLetter(
        name=name(config_map),
        time=moment(kept.get("at", "") or made) or datetime.fromtimestamp(0, UTC),
        destination=kept.get("destination", ""),
        code=kept.get("code", ""),
        answer=hidden.text(kept.get("answer", "")),
        event=Undelivered(
            id=attributes.get("id", ""),
            type=attributes.get("type", ""),
            source=attributes.get("source", ""),
            object=about,
        ),
    )


def _attributes(text: str) -> dict[str, str]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def about(found: Iterable[DeadLetter], key: Ref) -> tuple[DeadLetter, ...]:
    """Those about one resource."""
    wanted = (key.kind.name, key.namespace, key.name)
    return tuple(
        one for one in found if (one.event.object.kind, one.event.object.namespace, one.event.object.name) == wanted
    )


def rows(found: Iterable[DeadLetter], now: datetime) -> Iterator[tuple[str, ...]]:
    """As lines of a table."""
    for one in found:
        yield one.name, age(one.time, now), subject(one), one.event.type, answered(one)[:SHOWN]


def subject(one: DeadLetter) -> str:
    """The object that the event is about."""
    return title(one.event.object) if one.event.object.kind else "-"


def answered(one: DeadLetter) -> str:
    """What whom it was for said."""
    if one.code in ("", "-1", "0"):
        return "no answer"
    return f"{one.code}: {' '.join(one.answer.split())}" if one.answer else one.code
