"""Server-side apply in memory: the object after one of our field managers has applied its intent by force. Pure.

An object is handled as a set of leaves, which makes an apply a few set operations. Ownership is part of the result:
`collector` waits for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cli.prediction.leaves import ENVELOPE, Leaves, fields, leaves, tree
from runtime.field_paths import Path, is_item, paths
from runtime.objects import Manifest, Ref, generation, metadata

# A change of these does not increase the generation.
UNCOUNTED = frozenset({"f:metadata", "f:status"})


@dataclass(frozen=True, order=True)
class Writer:
    """The manager, operation and subresource of one entry of `managedFields`."""

    manager: str
    operation: str = "Apply"
    subresource: str = ""


def applied(ref: Ref, intent: Manifest, over: Manifest | None, writer: Writer) -> Manifest:
    """Return `over` after `writer` has applied `intent`, with generation and `managedFields` updated."""
    before, owned = leaves(over or {}), owners(over or {})
    wanted = leaves(intent)
    changed = {path for path, value in wanted.items() if path not in before or before[path] != value}
    others = {writer_before: paths - changed for writer_before, paths in owned.items() if writer_before != writer}
    removed = _RemovedLeaves(
        owned.get(writer, frozenset()), frozenset(wanted), frozenset[Path]().union(*others.values())
    )
    after = {path: value for path, value in {**before, **wanted}.items() if path not in removed}
    described = {
        **{name: value for name, value in metadata(over or {}).items() if name in ENVELOPE},
        "name": ref.name,
        **({"namespace": ref.namespace} if ref.namespace else {}),
        "generation": _generation(over, before, after),
        "managedFields": [
            _entry(expected, paths) for expected, paths in {**others, writer: frozenset(wanted)}.items() if paths
        ],
    }
    content = tree(after)
    own = {**described, **content.pop("metadata", {})}
    return {"apiVersion": ref.kind.api_version, "kind": ref.kind.name, "metadata": own, **content}


class _RemovedLeaves:
    """The leaves that an apply removes: those that only its writer owned (`mine`), and that it no longer intends.

    An item is removed with everything in it, including the API server's defaults. A map that is owned as one value (a
    selector) is replaced as a whole.
    """

    def __init__(self, mine: frozenset[Path], wanted: frozenset[Path], others: frozenset[Path]) -> None:
        self._wanted = wanted
        self._dropped = mine - wanted - others
        self._atoms = {path for path in mine if not is_item(path)} - _above(others) - others
        self._alive = _above(wanted | others)

    def __contains__(self, path: Path) -> bool:
        if path in self._wanted:
            return False
        above = [path[:end] for end in range(1, len(path))]
        return path in self._dropped or any(
            parent in self._atoms or (parent in self._dropped and parent not in self._alive) for parent in above
        )


def _above(paths: Iterable[Path]) -> set[Path]:
    """Return every proper prefix of these paths."""
    return {path[:end] for path in paths for end in range(1, len(path))}


def owners(manifest: Manifest) -> dict[Writer, frozenset[Path]]:
    """Return the leaves of each writer, from `managedFields`."""
    return {
        Writer(entry.get("manager", ""), entry.get("operation", ""), entry.get("subresource", "")): frozenset(
            paths(entry.get("fieldsV1") or {})
        )
        for entry in metadata(manifest).get("managedFields") or ()
    }


def _entry(writer: Writer, known: Iterable[Path]) -> Manifest:
    entry = {"manager": writer.manager, "operation": writer.operation, "fieldsType": "FieldsV1"}
    return {**entry, **({"subresource": writer.subresource} if writer.subresource else {}), "fieldsV1": fields(known)}


def _generation(over: Manifest | None, before: Leaves, after: Leaves) -> int:
    """Return the generation as the API server counts it: one more if anything but metadata and status has changed."""
    spec_before, spec_after = (
        {path: value for path, value in leaves.items() if path[0] not in UNCOUNTED} for leaves in (before, after)
    )
    return 1 if over is None else generation(over) + (spec_before != spec_after)
