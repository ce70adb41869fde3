"""Makes the query API's dead letters from the metadata of their ConfigMaps. Pure."""

from collections.abc import Iterable

from audit.answer_models import DeadLetter, DeadLetterEvent
from dead_letters.dead_letter import has_response, parse_record
from events.report import ObjectName
from runtime.objects import Manifest, name


def letters(config_maps: Iterable[Manifest]) -> tuple[DeadLetter, ...]:
    """Return the dead letters among these ConfigMaps, newest first."""
    letters = (answer for answer in map(letter, config_maps) if answer)
    return tuple(sorted(letters, key=lambda answer: answer.time, reverse=True))


def letter(config_map: Manifest) -> DeadLetter | None:
    """Return one dead letter; None if its ConfigMap was changed so that it is not one any more."""
    kept = parse_record(config_map)
    if kept is None:
        return None
    about = kept.event
    subject = ObjectName(api_version=about.api_version, kind=about.kind, namespace=about.namespace, name=about.name)
    return DeadLetter.model_validate(
        {
            "name": name(config_map),
            "time": kept.last,
            "first": kept.first,
            "count": kept.count,
            "destination": ", ".join(kept.destinations),
            "code": kept.code if has_response(kept.code) else "",
            "answer": kept.answer,
            "complete": kept.complete,
            "event": DeadLetterEvent(id=about.id, type=about.type, source=about.source, object=subject),
        }
    )
