"""Fields of a child that somebody else owns, as the query API and the CLI show them. Pure."""

import json
import shlex
from collections.abc import Collection, Iterator

from audit.answer_models import ForeignField
from runtime import redact
from runtime.adoption import adopter, kubectl
from runtime.envelope import object_name
from runtime.field_owners import OwnedField, foreign_fields
from runtime.objects import Manifest, Ref, controller

# The most fields that are shown of one object; an adopted DaemonSet may have a hundred that its creator set.
MAX_FIELDS = 20


def foreign(ref: Ref, child: Manifest, ours: Collection[str]) -> tuple[ForeignField, ...]:
    """Return the fields of an object of other managers than `ours`: redacted, newest first, up to `MAX_FIELDS`."""
    mask = redact.mask(child)
    owned = sorted(foreign_fields(child, ours), key=_newest_first)
    return tuple(_foreign_field(ref, field, mask) for field in owned[:MAX_FIELDS])


def belongs_to(key: Ref, child: Manifest) -> bool:
    """Return whether an object belongs to the resource `key`, which is its controller or has adopted it."""
    owner = controller(child) or adopter(child)
    return owner is not None and (owner.kind, owner.name) == (key.kind.name, key.name)


def children(key: Ref, objects: Iterator[tuple[Ref, Manifest | None, Collection[str]]]) -> Iterator[ForeignField]:
    """Yield the foreign fields of all objects that belong to a resource.

    Each object comes with its ref and the field managers that are ours.
    """
    for ref, child, ours in objects:
        if child is not None and belongs_to(key, child):
            yield from foreign(ref, child, ours)


def _newest_first(field: OwnedField) -> tuple[float, str]:
    return (-field.time.timestamp() if field.time else 0.0, field.path)


def _foreign_field(ref: Ref, field: OwnedField, mask: redact.Mask) -> ForeignField:
    _, shown = mask.change(field.path, None, field.value, kind=ref.kind.name)
    return ForeignField(
        object=object_name(ref),
        path=mask.text(field.path),
        value=shown,
        by=field.manager,
        operation=field.operation,
        time=field.time,
        restart=field.restart,
        remove="" if field.restart else removal(ref, field.pointer),
    )


def removal(ref: Ref, pointer: str) -> str:
    """Return the command that removes the field at a JSON pointer from an object."""
    patch = json.dumps([{"op": "remove", "path": pointer}])
    return f"{kubectl('patch', ref)} --type=json -p {shlex.quote(patch)}"
