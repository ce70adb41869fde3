"""Who changed the object that an event is about, and when, according to `metadata.managedFields`. Pure.

The API server records a writer for a field that is there. Whoever removes a field, or sets one to its zero value that
is left out then (`hostPID: false`), leaves no trace, and the newest entry is that of a controller that wrote the status
since. So where a function puts fields back, their owner is named, or nobody.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from runtime.event import Event, parse_time
from runtime.field_owners import CONTROL_PLANE
from runtime.field_paths import dotted, paths
from runtime.objects import Manifest, generation, metadata, name, resource_version, uid
from runtime.seen import is_older


def last_writer(
    event: Event, seen: Sequence[Manifest], put_back: Collection[str], manager: str
) -> tuple[str, datetime | None]:
    """Return who wrote the event's object last, and when; this is the write that the event is about.

    `seen` are the objects that the function read, in order. `put_back` are the paths that the function with the field
    manager `manager` has changed in the object since. Empty if the writer is not known.
    """
    shown = _last_known(event, seen)
    entries = _entries(shown)
    if put_back and any("fieldsV1" in entry for entry in entries):
        ours, others = _split(entries, manager)
        owners = [entry for entry in others if _owns_any(entry, put_back)]
        if owners:
            return _newest(owners)
        if not all(any(_owns_any(entry, (path,)) for entry in ours) for path in put_back):
            return "", None
    return _newest_of_spec(entries) if _is_unobserved(shown) else _newest(entries)


def _last_known(event: Event, seen: Sequence[Manifest]) -> Manifest:
    """Return the event's object as the function read it, or as the event shows it if the function did not read it.

    The first version that was read counts: a later one may be the function's own write. If that is an older version
    than the event shows, or another object of the same name, the writer is unknown: empty.
    """
    if not event.object:
        return {}
    read = next((manifest for manifest in seen if _is_about(event, manifest)), None)
    if read is None:
        return event.object
    return read if _is_as_new(read, event.object) else {}


def _is_about(event: Event, manifest: Manifest) -> bool:
    """Return whether a manifest that was read is the object that the event's attributes name."""
    named = (manifest.get("apiVersion"), manifest.get("kind"), metadata(manifest).get("namespace", ""), name(manifest))
    return named == (event.api_version, event.kind, event.namespace, event.name)


def _is_as_new(read: Manifest, shown: Manifest) -> bool:
    """Return whether `read` is the object that the event shows, in the same version or a later one.

    Values that the event leaves out exclude nothing.
    """
    if not isinstance(shown.get("metadata"), dict):
        return True
    is_same = uid(shown) in ("", uid(read))
    return is_same and not is_older(resource_version(read), resource_version(shown))


def _entries(shown: Manifest) -> list[Manifest]:
    """Return the entries of `managedFields`, without malformed ones."""
    entries = metadata(shown).get("managedFields") if isinstance(shown.get("metadata"), dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _split(entries: Sequence[Manifest], manager: str) -> tuple[list[Manifest], list[Manifest]]:
    """Return the entries of a function's applies, and those of everybody else."""
    ours = [entry for entry in entries if entry.get("manager") == manager and entry.get("operation") == "Apply"]
    return ours, [entry for entry in entries if entry not in ours]


def _owns_any(entry: Manifest, wanted: Collection[str]) -> bool:
    """Return whether an entry owns one of these paths, a part of it, or a value that it is part of."""
    return any(_overlap(owned, path) for owned in _owned(entry) for path in wanted)


def _owned(entry: Manifest) -> Iterator[str]:
    yield from (dotted(path) for path in paths(entry.get("fieldsV1") or {}))


def _overlap(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long == short or (long.startswith(short) and long[len(short)] in ".[")


def _is_unobserved(shown: Manifest) -> bool:
    """Return whether the spec has changed since its controller wrote the status."""
    status = shown.get("status")
    observed = status.get("observedGeneration") if isinstance(status, dict) else None
    return isinstance(observed, int) and isinstance(shown.get("metadata"), dict) and generation(shown) > observed


def _newest_of_spec(entries: Sequence[Manifest]) -> tuple[str, datetime | None]:
    """Return who changed the spec after the controller's status; empty if no entry is as new as the status."""
    _, answered = _newest([entry for entry in entries if _is_answer(entry)])
    writer, at = _newest([entry for entry in entries if not _is_answer(entry)])
    return ("", None) if at is None or (answered and at < answered) else (writer, at)


def _newest(entries: Sequence[Manifest]) -> tuple[str, datetime | None]:
    """Return manager and time of the newest entry.

    Times are whole seconds. Among entries of the same second the last counts: the API server sorts applies before
    updates (structured-merge-diff's `Operation`), and within one second a controller's update follows somebody's apply.
    But a status that the control plane writes in the second of a change is a reaction to that change, and does not
    count.
    """
    timed = [
        (at, not _is_answer(entry), str(entry.get("manager") or ""))
        for entry in entries
        if (at := parse_time(entry.get("time")))
    ]
    if not timed:
        return "", None
    at, _, writer = sorted(timed, key=lambda write: write[:2])[-1]  # stable: of equals the last counts
    return writer, at


def _is_answer(entry: Manifest) -> bool:
    """Return whether an entry of `managedFields` is a status that the control plane wrote."""
    return entry.get("subresource") == "status" and str(entry.get("manager")) in CONTROL_PLANE
