"""Server-side apply in memory: what an object would be if one of our managers applied its intent by force. Pure.

Over sets of leaves an apply is a few operations, and ownership is part of the result, which `collector` waits for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cli.prediction.leaves import ENVELOPE, Leaves, fields, leaves, tree
from runtime.field_paths import Path, is_item, paths
from runtime.objects import Manifest, Ref, generation, metadata

# A change of these does not move the generation.
UNCOUNTED = frozenset({"f:metadata", "f:status"})


@dataclass(frozen=True, order=True)
class Writer:
    """Who wrote, and to which part: one entry of `managedFields`."""

    manager: str
    operation: str = "Apply"
    subresource: str = ""


def applied(ref: Ref, intent: Manifest, over: Manifest | None, writer: Writer) -> Manifest:
    """`over` as it is once `writer` has applied `intent`: with its generation and `managedFields` moved along."""
    before, owned = leaves(over or {}), owners(over or {})
    wanted = leaves(intent)
    changed = {path for path, value in wanted.items() if path not in before or before[path] != value}
    others = {writer_before: paths - changed for writer_before, paths in owned.items() if writer_before != writer}
    gone = _Gone(owned.get(writer, frozenset()), frozenset(wanted), frozenset[Path]().union(*others.values()))
    after = {path: value for path, value in {**before, **wanted}.items() if path not in gone}
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


class _Gone:
    """The leaves that an apply takes away: what its writer owned (`mine`), intends no longer, and nobody else owns.

    An item goes with all that is in it, defaults of the server's included; a map that is owned as one value (a
    selector) is replaced as one.
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
    """Return every path that is a prefix of one of these."""
    return {path[:end] for path in paths for end in range(1, len(path))}


def owners(manifest: Manifest) -> dict[Writer, frozenset[Path]]:
    """The leaves of each writer, by `managedFields`."""
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
    """The API server's: one more where anything but metadata and status is another."""
    spec_before, spec_after = (
        {path: value for path, value in leaves.items() if path[0] not in UNCOUNTED} for leaves in (before, after)
    )
    return 1 if over is None else generation(over) + (spec_before != spec_after)
