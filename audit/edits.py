"""What somebody changed in a resource: one generation out of an event that shows it, and how two of them differ.

Pure. The API server says who and when in `metadata.managedFields`, in whole seconds, and nowhere who deleted.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from audit.entries import EditEntry, Unkeepable, checked, timely
from events.report import Field, Subject
from runtime import redact
from runtime.differences import list_keys
from runtime.event import Event, moment
from runtime.objects import Manifest, generation, metadata, name, terminates, uid
from runtime.tracing import ANNOTATION, trace_of


def edit(event: Event) -> EditEntry | None:
    """The generation that an event about one of our resources shows; None where it shows none.

    An object that is gone shows the generation before its end; one that is going has another generation already.
    Raises Unkeepable where there can be no such object.
    """
    try:
        shown = event.object
        return _edit(event, shown) if uid(shown) and name(shown) and generation(shown) else None
    except (AttributeError, TypeError, KeyError) as wrong:
        raise Unkeepable(f"not an object: {wrong}") from wrong


def _edit(event: Event, shown: Manifest) -> EditEntry:
    goes = terminates(shown)
    number = generation(shown) + (event.deletes and not goes)
    subject = _subject(event, shown)
    by, time = _author(shown)
    if event.deletes or goes:
        by, time = "", moment(metadata(shown).get("deletionTimestamp")) or event.sent
    carried = str((metadata(shown).get("annotations") or {}).get(ANNOTATION, ""))
    time = time or datetime.now(UTC)
    checked((*subject.model_dump().values(), by, carried), (number,))
    timely(time)
    return EditEntry(
        object=subject,
        generation=number,
        trace=str(trace_of(shown)),
        time=time,
        by=by,
        deleted=event.deletes or goes,
        traceparent=carried,
        spec=json.dumps(redact.spec(shown)),
    )


def fields(before: Any, after: Any, path: str = "") -> Iterator[Field]:
    """Every field in which two specs differ, in kubectl's dotted form, as `runtime.differences` writes paths."""
    if isinstance(before or {}, Mapping) and isinstance(after or {}, Mapping) and (before or after):
        for key in dict.fromkeys((*(before or ()), *(after or ()))):
            yield from fields((before or {}).get(key), (after or {}).get(key), f"{path}.{key}".removeprefix("."))
    elif keys := _keys(path, before, after):
        one, other = _by_key(before, keys), _by_key(after, keys)
        for selector in dict.fromkeys((*one, *other)):
            yield from fields(one.get(selector), other.get(selector), f"{path}{selector}")
    elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):  # in JSON 1 is neither 1.0 nor true
        yield Field(path=path, before=before, after=after)


def _keys(path: str, before: Any, after: Any) -> tuple[str, ...]:
    """What tells the items of an associative list apart; nothing where either is something else."""
    lists = [one for one in (before, after) if one]
    if not lists or any(not isinstance(one, Sequence) or isinstance(one, str) for one in lists):
        return ()
    return list_keys(path.rpartition(".")[2], [item for one in lists for item in one])


def _by_key(items: Sequence[Manifest] | None, keys: tuple[str, ...]) -> dict[str, Manifest]:
    return {"[" + ",".join(f"{key}={item.get(key)}" for key in keys) + "]": item for item in items or ()}


def _subject(event: Event, shown: Manifest) -> Subject:
    return Subject(
        api_version=event.api_version,
        kind=event.kind,
        namespace=str(metadata(shown).get("namespace", "")),
        name=name(shown),
        uid=uid(shown),
    )


def _author(shown: Manifest) -> tuple[str, datetime | None]:
    """The field manager that changed the spec last, and when."""
    entries = [one for one in metadata(shown).get("managedFields") or () if not one.get("subresource")]
    spec = [one for one in entries if "f:spec" in (one.get("fieldsV1") or {})] or entries
    last: Manifest = max(spec, key=lambda one: str(one.get("time", "")), default={})
    return str(last.get("manager", "")), moment(last.get("time") or metadata(shown).get("creationTimestamp"))
