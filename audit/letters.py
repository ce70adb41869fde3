"""Dead letters as `runtime.letters` keeps them: ConfigMaps beside the functions. Pure."""

import json
from collections.abc import Iterable, Mapping

from audit.model import DeadLetter, Undelivered
from events.report import ObjectName
from runtime import redact
from runtime.letters import answered
from runtime.objects import Manifest, name


def letters(config_maps: Iterable[Manifest]) -> tuple[DeadLetter, ...]:
    """All that are letters, newest first."""
    found = (one for one in map(letter, config_maps) if one)
    return tuple(sorted(found, key=lambda one: one.time, reverse=True))


def letter(config_map: Manifest) -> DeadLetter | None:
    """One letter, without what is to be told to nobody; None where somebody has written something else there."""
    try:
        kept: Mapping[str, str] = config_map["data"]
        event = json.loads(kept["attributes"])
        return DeadLetter.model_validate(
            {
                "name": name(config_map),
                "time": kept["at"],
                "destination": kept["destination"],
                "code": kept["code"] if answered(kept["code"]) else "",
                "answer": redact.text(kept["answer"]),
                "event": Undelivered(id=event["id"], type=event["type"], source=event["source"], object=_about(event)),
            }
        )
    except (KeyError, TypeError, ValueError):
        return None


def _about(event: Mapping[str, str]) -> ObjectName:
    return ObjectName(
        api_version=event.get("apiversion", ""),
        kind=event.get("kind", ""),
        namespace=event.get("namespace", ""),
        name=event.get("name", ""),
    )
