"""What somebody changed in a resource: one generation of it, and how the specs of two generations differ. Pure.

A generation is read from the API server (`verified`), or only taken from an event that contains the object. The API
server records in `metadata.managedFields` who changed the spec and when, in whole seconds. It does not record who
deleted the object.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from audit.storage.entries import EditEntry, EventRefused, require_representable_year, require_storable
from events.report import Field, Subject
from runtime import redact
from runtime.differences import list_keys
from runtime.event import Event, parse_time
from runtime.objects import Kind, Manifest, generation, metadata, name, terminates, uid
from runtime.tracing import ANNOTATION, parse_traceparent, trace_of


def edit_of_event(event: Event) -> EditEntry | None:
    """Return the generation in an event about one of our resources; None if its object has no uid, name or generation.

    A deletion counts as one more generation than that of the object in the event. If a finalizer held the object, its
    generation is that one already. Raises EventRefused if no such object can exist.
    """
    return _edit(event.api_version, event.kind, event.object, deleted_at=event.sent, deleted=event.deletes)


def last_generation(event: Event) -> EditEntry | None:
    """Return the last generation of an object, from its deletion's event; None as for `edit_of_event`."""
    return _edit(event.api_version, event.kind, event.object)


def verified_edit(kind: Kind, manifest: Manifest) -> EditEntry | None:
    """Return the generation of an object that was read; None as for `edit_of_event`. Raises EventRefused."""
    entry = _edit(kind.api_version, kind.name, manifest)
    return replace(entry, verified=True) if entry else None


def _edit(
    api_version: str, kind: str, manifest: Manifest, *, deleted_at: datetime | None = None, deleted: bool = False
) -> EditEntry | None:
    try:
        if not (uid(manifest) and name(manifest) and generation(manifest)):
            return None
        subject = Subject(
            api_version=api_version,
            kind=kind,
            namespace=str(metadata(manifest).get("namespace", "")),
            name=name(manifest),
            uid=uid(manifest),
        )
        return _generation(subject, manifest, deleted_at, deleted=deleted)
    except EventRefused:
        raise
    except (AttributeError, TypeError, KeyError, ValueError) as wrong:
        raise EventRefused(f"not an object: {wrong}") from wrong


def _generation(subject: Subject, manifest: Manifest, deleted_at: datetime | None, *, deleted: bool) -> EditEntry:
    terminating = terminates(manifest)
    number = generation(manifest) + (deleted and not terminating)
    by, time = _author(manifest)
    if deleted or terminating:
        by, time = "", parse_time(metadata(manifest).get("deletionTimestamp")) or deleted_at
    annotated = (metadata(manifest).get("annotations") or {}).get(ANNOTATION, "")
    carried = annotated if parse_traceparent(annotated) else ""
    time = time or datetime.now(UTC)
    require_storable((*subject.model_dump().values(), by, carried), (number,))
    require_representable_year(time)
    return EditEntry(
        object=subject,
        generation=number,
        trace=str(trace_of(manifest)),
        time=time,
        by=by,
        deleted=deleted or terminating,
        traceparent=carried,
        spec=json.dumps(redact.spec(manifest)),
    )


def fields(before: Any, after: Any, path: str = "") -> Iterator[Field]:
    """Yield every field in which two specs differ, in kubectl's dotted form, as `runtime.differences` writes paths."""
    if isinstance(before or {}, Mapping) and isinstance(after or {}, Mapping) and (before or after):
        for key in dict.fromkeys((*(before or ()), *(after or ()))):
            yield from fields((before or {}).get(key), (after or {}).get(key), f"{path}.{key}".removeprefix("."))
    elif keys := _keys(path, before, after):
        items_before, items_after = _by_key(before, keys), _by_key(after, keys)
        for selector in dict.fromkeys((*items_before, *items_after)):
            yield from fields(items_before.get(selector), items_after.get(selector), f"{path}{selector}")
    elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):  # JSON: 1 differs from 1.0 and true
        yield Field(path=path, before=before, after=after)


def _keys(path: str, before: Any, after: Any) -> tuple[str, ...]:
    """Return the keys of an associative list's items; empty if one of the values is not such a list."""
    lists = [value for value in (before, after) if value]
    if not lists or any(not isinstance(value, Sequence) or isinstance(value, str) for value in lists):
        return ()
    return list_keys(path.rpartition(".")[2], [item for value in lists for item in value])


def _by_key(items: Sequence[Manifest] | None, keys: tuple[str, ...]) -> dict[str, Manifest]:
    return {"[" + ",".join(f"{key}={item.get(key)}" for key in keys) + "]": item for item in items or ()}


def _author(manifest: Manifest) -> tuple[str, datetime | None]:
    """Return the field manager that changed the spec last, and when."""
    entries = [entry for entry in metadata(manifest).get("managedFields") or () if not entry.get("subresource")]
    spec = [entry for entry in entries if "f:spec" in (entry.get("fieldsV1") or {})] or entries
    last: Manifest = max(spec, key=lambda entry: str(entry.get("time", "")), default={})
    return str(last.get("manager", "")), parse_time(last.get("time") or metadata(manifest).get("creationTimestamp"))
