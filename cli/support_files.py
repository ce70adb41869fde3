"""What somebody else needs to find out what is wrong, and nothing that is told in confidence. Pure: files by name.

Secrets are never read. Of everything else the values of environment variables, credentials in URLs, tokens and whatever
looks like one are hidden (`runtime.redact`), and what is hidden in one object is hidden wherever it is repeated: in
Events, reports, sentences.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from runtime import redact
from runtime.credentials import HIDDEN
from runtime.objects import Manifest, metadata, name
from runtime.plain import as_yaml
from runtime.redact import Mask

MANIFEST = "MANIFEST.json"
# Where an event's body is kept that was no JSON object (`runtime.event`).
UNDECODED = "undecoded"
LEFT_OUT = (
    "Secrets: never read",
    "values of environment variables, credentials in URLs, tokens: replaced by '(hidden)'",
    "your kubeconfig and token",
    "logs: kubectl logs, as far as they are needed",
)


@dataclass(frozen=True)
class Gathered:
    """Objects by folder, data by file, and what the user may not read or could not be reached."""

    objects: Mapping[str, tuple[Manifest, ...]] = field(default_factory=dict)
    letters: tuple[Manifest, ...] = ()
    said: Mapping[str, "BaseModel | list[BaseModel]"] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    confidential: tuple[str, ...] = ()


def files(gathered: Gathered) -> dict[str, str]:
    """Every file of the bundle, the list of them first."""
    masks = _masks(gathered)
    kept = [_letter(one, masks) for one in gathered.letters]
    found = {
        **{_file(folder, one): _yaml(one, masks) for folder, objects in gathered.objects.items() for one in objects},
        **({"dead-letters.yaml": as_yaml(kept)} if kept else {}),
        **{file: _json(said, masks) for file, said in gathered.said.items()},
    }
    return {MANIFEST: _manifest(gathered, found), **found}


def _masks(gathered: Gathered) -> Mask:
    """What hides, everywhere, what any of the objects says in confidence."""
    everything = [one for objects in gathered.objects.values() for one in objects]
    contents = [content for one in gathered.letters for content in _contents(one).values()]
    known = redact.mask(*everything, *(one for one in contents if isinstance(one, Mapping)))
    secrets = {*known.secrets, *(one for one in gathered.confidential if one)}
    return Mask(frozenset(secrets))


def _file(folder: str, one: Manifest) -> str:
    where = metadata(one).get("namespace")
    return "/".join(part for part in (folder, where, f"{str(one.get('kind')).lower()}-{name(one)}.yaml") if part)


def _yaml(one: Manifest, masks: Mask) -> str:
    return as_yaml(masks.manifest(one))


def _letter(one: Manifest, masks: Mask) -> Any:
    """A dead letter, with the event that is in it as JSON taken apart, so that it can be hidden."""
    whole = {**(one.get("data") or {}), **_contents(one)}
    return masks.manifest({"name": name(one), **whole})


def _contents(one: Manifest) -> dict[str, Any]:
    kept = one.get("data") or {}
    return {part: _parsed(str(kept[part])) for part in ("attributes", "data") if part in kept}


def _parsed(text: str) -> Any:
    """What is no object of named values may be anything, and is left out."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {"unreadable": HIDDEN}
    if not isinstance(found, dict):
        return {"unreadable": HIDDEN}
    return {key: HIDDEN if key == UNDECODED else value for key, value in found.items()}


def _json(said: "BaseModel | list[BaseModel]", masks: Mask) -> str:
    models = said if isinstance(said, list) else [said]
    content = [one.model_dump(mode="json", by_alias=True) for one in models]
    return json.dumps(masks.value(content if isinstance(said, list) else content[0]), indent=1) + "\n"


def _manifest(gathered: Gathered, found: Mapping[str, str]) -> str:
    told = {
        "versions": dict(gathered.versions),
        "files": {file: len(content.encode()) for file, content in sorted(found.items())},
        "leftOut": [*LEFT_OUT, *(f"you may not read, or reach: {what}" for what in gathered.unread)],
    }
    return json.dumps(told, indent=1) + "\n"


def by_folder(objects: Iterable[tuple[str, Manifest]]) -> dict[str, tuple[Manifest, ...]]:
    """Objects by the folder that each belongs to."""
    found: dict[str, list[Manifest]] = {}
    for folder, one in objects:
        found.setdefault(folder, []).append(one)
    return {folder: tuple(each) for folder, each in found.items()}
