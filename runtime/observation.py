"""Steps 2 and 6 of the protocol (`runtime.protocol`): reads what a function decides from, in an order that is safe."""

from collections.abc import Mapping
from dataclasses import replace

from runtime.client import Client
from runtime.declaration import Function, Input, Observed
from runtime.objects import Collection, Manifest, Ref, terminates


def observe(function: Function, key: Ref, client: Client, images: Mapping[str, str]) -> Observed:
    """Step 2: read the children, the one that is an input too last; then inputs, the parent, and what it refers to."""
    inputs = function.inputs(key)
    children = sorted(function.children(key), key=lambda ref: ref in inputs)
    seen = Observed(key, None, {ref: client.get(ref) for ref in children}, {}, images)
    return with_inputs(function, seen, client, parent=None)


def with_inputs(function: Function, seen: Observed, client: Client, *, parent: Manifest | None) -> Observed:
    """Return `seen` with every input read now that is no child; `parent`, if given, is not read again."""
    key, children = seen.key, function.children(seen.key)
    objects = {**seen.objects}
    for ref in function.inputs(key):
        if ref not in children:
            objects[ref] = client.get(ref)
    current = parent or client.get(key)
    alive = None if current is None or terminates(current) else current
    collections: dict[Collection, tuple[Manifest, ...]] = {}
    for referred in function.references(key, alive):
        if referred not in children:
            _read(referred, client, objects, collections)
    return replace(seen, parent=alive, objects=objects, collections=collections)


def _read(
    wanted: Input,
    client: Client,
    objects: dict[Ref, Manifest | None],
    collections: dict[Collection, tuple[Manifest, ...]],
) -> None:
    if isinstance(wanted, Collection):
        collections[wanted] = tuple(client.list(wanted))
    else:
        objects[wanted] = client.get(wanted)


def read_inputs_again(function: Function, written: Observed, parent: Manifest | None, client: Client) -> Observed:
    """Step 6: return every input as it is now, with the children as this round wrote them."""
    seen = with_inputs(function, written, client, parent=parent)
    objects = dict(seen.objects)
    for ref in set(function.children(seen.key)) & set(function.inputs(seen.key)):
        objects[ref] = client.get(ref)
    return replace(seen, objects=objects)
