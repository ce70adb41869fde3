"""Reads resources from files, as `-f` names them: one or several documents, YAML or JSON, a folder, standard input."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cli.command_errors import RequestRefused, UsageError
from cli.kinds import kind_of
from cli.manifest_files.kubectl_yaml import documents
from runtime.event import is_name
from runtime.objects import NAMESPACE, Manifest, Ref, metadata, name

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
# Metadata that only the API server sets; files made by `kubectl get -o yaml` contain it.
SERVERS_OWN = frozenset({"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"})


@dataclass(frozen=True)
class ManifestSet:
    """The content of the files: our resources, the namespaces that they create, and objects of other kinds.

    Of a resource that occurs more than once (`repeated`) the last counts, as with `kubectl apply`.
    """

    resources: dict[Ref, Manifest]
    namespaces: Mapping[str, Manifest] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    repeated: tuple[Ref, ...] = ()


def read(files: Sequence[str], *, recursive: bool, namespace: str, forced: bool) -> ManifestSet:
    """Return the content of these files; `namespace` is for documents that name none.

    With `forced` no document may name another namespace. Raises UsageError for that and for a file that does not exist,
    RequestRefused for a file that cannot be read or contains none of our resources.
    """
    documents = _documents(files, recursive=recursive)
    return _read(documents, ", ".join(files), namespace=namespace, forced=forced)


def read_text(text: str, where: str, *, namespace: str, forced: bool) -> ManifestSet:
    """Return the content of one text; `where` names its origin in errors."""
    items = ((where, item) for document in _loaded(text, where) for item in _items(document))
    return _read(items, where, namespace=namespace, forced=forced)


def _read(listed: Iterable[tuple[str, Manifest]], where_from: str, *, namespace: str, forced: bool) -> ManifestSet:
    resources: dict[Ref, Manifest] = {}
    namespaces: dict[str, Manifest] = {}
    others: list[str] = []
    repeated: dict[Ref, None] = {}
    for where, document in listed:
        kind = kind_of(document)
        if kind is not None:
            place = _namespace(document, where, namespace, forced=forced) if kind.namespaced else ""
            ref = Ref(kind, place, _name(document, where))
            repeated |= {ref: None} if ref in resources else {}
            resources[ref] = _bare(document)
        elif document.get("kind") == NAMESPACE.name:
            namespaces[name(document)] = document
        else:
            others.append(f"{document.get('kind') or 'a document without kind'} '{name(document)}'")
    if not resources:
        raise RequestRefused(f"no resource of ours in {where_from}: `kind` must be Kepler or one of its companions")
    return ManifestSet(resources, namespaces, tuple(others), tuple(repeated))


def _documents(files: Iterable[str], *, recursive: bool) -> Iterator[tuple[str, Manifest]]:
    for file in files:
        for path in _paths(file, recursive=recursive):
            where = "standard input" if path == STDIN else str(path)
            for document in _loaded(_text(path), where):
                yield from ((where, item) for item in _items(document))


def _paths(file: str, *, recursive: bool) -> Iterator[Path | str]:
    if file == STDIN:
        yield STDIN
        return
    path = Path(file)
    if path.is_dir():
        among = path.rglob("*") if recursive else path.glob("*")
        yield from sorted(path for path in among if path.suffix in SUFFIXES and path.name != "kustomization.yaml")
    elif path.exists():
        yield path
    else:
        raise UsageError(f"there is no file '{file}': name a file, a folder, or '-' for standard input")


def _text(path: Path | str) -> str:
    try:
        return sys.stdin.read() if isinstance(path, str) else path.read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise RequestRefused(f"'{path}' cannot be read: {wrong}") from wrong


def _loaded(text: str, where: str) -> list[Any]:
    try:
        return documents(text)
    except yaml.YAMLError as wrong:
        raise RequestRefused(f"{where} is no YAML: {' '.join(str(wrong).split())}") from wrong


def _items(document: Any) -> Iterator[Manifest]:
    """Yield the objects of a document: the document itself, or the items of a List."""
    if not isinstance(document, dict):
        return
    if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
        yield from (item for item in document["items"] if isinstance(item, dict))
    else:
        yield document


def _namespace(document: Manifest, where: str, namespace: str, *, forced: bool) -> str:
    own = str(metadata(document).get("namespace") or "")
    if own and forced and own != namespace:
        raise UsageError(
            f"{where}: {document['kind']} '{name(document)}' is in namespace '{own}', and --namespace says "
            f"'{namespace}': leave one of them out"
        )
    return own or namespace


def _name(document: Manifest, where: str) -> str:
    called = name(document)
    if not is_name(called):
        raise RequestRefused(
            f"{where}: `metadata.name` of a {document['kind']} is '{called}': write lower-case letters and '-'"
        )
    return called


def _bare(document: Manifest) -> Manifest:
    """Return the document without status and the metadata that only the API server sets."""
    described = {key: value for key, value in metadata(document).items() if key not in SERVERS_OWN}
    return {**{key: value for key, value in document.items() if key != "status"}, "metadata": described}
