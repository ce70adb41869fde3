"""The sentences of `history`, `trace` and `explain`: who made an edit, why an episode began, what others own. Pure.

The console has the same sentences in JavaScript (`causes.js`, `interference.js`, `parts.js`, `resource.js`,
`trace.js`). They cannot share code: the query API answers with facts, and the browser marks the names in a sentence and
formats times for the language and time zone of its user. A test compares both.
"""

from collections.abc import Iterator
from datetime import datetime

from audit.answer_models import Edit, EpisodeCause, Fight, ForeignField, WriteSummary
from audit.episode_causes import RESOURCE_ACTIONS
from cli.kinds import title
from cli.output import value
from events.report import Cause, ObjectName
from events.types import RESYNC_REQUESTED
from runtime.printable import visible_line

NOT_KEPT = " (Kubernetes does not record by whom)"
# A field that is removed, or set to a zero value that the API server leaves out, has no owner.
UNKNOWN_WRITER = " by an unknown writer"
UNVERIFIED = ", according to an event"
# How many fields of one written object are named.
PATHS = 3


def author(edit: Edit) -> str:
    """Return who made an edit, and whether it was only taken from an event instead of read from the API server."""
    happened = f"deleted{NOT_KEPT}" if edit.deleted else "as first seen" if edit.first else "edited"
    return visible_line(f"{happened}{_by(edit.by)}{'' if edit.verified else UNVERIFIED}")


def cause_sentence(cause: EpisodeCause) -> str:
    """Return why an episode began and what was written in it; empty for an edit, which has a heading of its own."""
    if cause.kind == "edit":
        return ""
    began = _asked(cause) if cause.kind == "request" else _happened(cause)
    return visible_line(f"{began}{''.join(_written_objects(cause))}.")


def because(cause: Cause) -> str:
    """Return the event that triggered a function, to follow the word `because`."""
    about = title(cause.object) if cause.object else cause.subject
    if cause.type in RESOURCE_ACTIONS:
        action = RESOURCE_ACTIONS[cause.type]
        generation = f" (generation {cause.generation})" if cause.generation else ""
        who = {"deleted": "", "changed": _by(cause.by) or UNKNOWN_WRITER}.get(action, _by(cause.by))
        return visible_line(f"{about} was {action}{generation}{who}")
    if cause.type == RESYNC_REQUESTED:
        return visible_line(f"{_last_part(cause.source)} requested a resync of {about}")
    return visible_line(f"of event {cause.type} ({about})")


def foreign_field(field: ForeignField) -> str:
    """Return which field of a child somebody else owns, its value, who set it and when."""
    if field.restart:
        return visible_line(f"{title(field.object)}: its pods were restarted{_by(field.by)}{_at(field.time)}")
    sentence = f"{title(field.object)}: `{field.path}` is {_quoted(field.value)}, set{_by(field.by)}{_at(field.time)}"
    return visible_line(f"{sentence}; no function sets this field, so it stays")


def fight(contested: Fight) -> str:
    """Return which field of a child is put back again and again, by which function, and who changes it."""
    times = f"{contested.count} times since {local_time(contested.since)}, last at {local_time(contested.last)}"
    if not contested.path:
        sentence = f"{title(contested.object)}: {contested.function} created it again {times}"
        return visible_line(f"{sentence}, since it was deleted each time{NOT_KEPT}")
    others = " and ".join(contested.others) or "somebody else"
    sentence = f"{title(contested.object)}: {contested.function} put `{contested.path}` back {times}"
    return visible_line(f"{sentence}, since {others} changed it each time")


# The step that ends a fight.
END_OF_FIGHT = "stop whatever changes it, or have it leave this field alone; what you want to keep, set in the resource"


def cut(reports: int) -> str:
    """Return that only the newest reports of a generation are shown."""
    return f"Only the newest {_count(reports, 'report')} of it: there are more."


def local_time(moment: datetime) -> str:
    """Return a time in whole seconds, the precision of the API server, in the time zone of this machine."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _happened(cause: EpisodeCause) -> str:
    about = title(cause.object) if cause.object else "something"
    who = _by(cause.by) or {"deleted": NOT_KEPT, "changed": UNKNOWN_WRITER}.get(cause.action, "")
    return f"{about} was {cause.action or 'touched'}{who}{_at(cause.time)}{UNVERIFIED}"


def _asked(cause: EpisodeCause) -> str:
    who = _last_part(cause.source)
    if who == "sweep":
        return "The sweep found that it was not as it should be"
    return f"{who} requested a resync{_at(cause.time)}"


def _written_objects(cause: EpisodeCause) -> Iterator[str]:
    """Yield what was put back in the object of the cause, and what else was written."""
    restored = [write for write in cause.written if _is_restored(write, cause.object)]
    others = [write for write in cause.written if write not in restored]
    if restored:
        yield f"; put back: {', '.join(_fields(write) for write in restored)}"
    if others:
        yield f"; written: {', '.join(_named_fields(write) for write in others)}"


def _is_restored(write: WriteSummary, about: ObjectName | None) -> bool:
    """Return whether the written object is the one that somebody had changed; a deletion restores nothing."""
    return write.action != "deleted" and write.object == about


def _named_fields(write: WriteSummary) -> str:
    paths = _paths(write)
    return f"{write.object.kind} {write.object.name} {write.action}{f': {paths}' if paths else ''}"


def _fields(write: WriteSummary) -> str:
    return "the whole object" if write.action == "created" else _paths(write)


def _paths(write: WriteSummary) -> str:
    """Return the first paths of an object that was changed, and the number of the others."""
    shown = () if write.action == "created" else write.paths[:PATHS]
    more = write.fields - len(shown)
    return ", ".join(shown) + (f" and {_count(more, 'other field')}" if shown and more > 0 else "")


def _quoted(content: object) -> str:
    """Return a value in quotes; a list or a map as JSON."""
    return value(content) if isinstance(content, (list, dict)) else f"'{value(content)}'"


def _by(manager: str) -> str:
    return f" by {manager}" if manager else ""


def _at(moment: datetime | None) -> str:
    return f", {local_time(moment)}" if moment else ""


def _last_part(source: str) -> str:
    return source.rpartition("/")[2]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
