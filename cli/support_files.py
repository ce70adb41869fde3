"""The files of a support bundle, by name: what somebody else needs to find a problem, without secrets. Pure.

Secrets are never read. In all other data, the values of environment variables, credentials in URLs, tokens and texts
that look like one are redacted (`runtime.redact`). A value that is redacted in one object is redacted wherever it is
repeated: in Events, reports, sentences.
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
# The key of an event's body that was no JSON object (`runtime.event`).
UNDECODED = "undecoded"
LEFT_OUT = (
    "Secrets: never read",
    "values of environment variables, credentials in URLs, tokens: replaced by '(hidden)'",
    "your kubeconfig and token",
    "logs: kubectl logs, as far as they are needed",
)


@dataclass(frozen=True)
class Gathered:
    """The content of a bundle: objects by folder, data by file, and what could not be read or reached.

    `confidential` are values to redact everywhere, such as tokens.
    """

    objects: Mapping[str, tuple[Manifest, ...]] = field(default_factory=dict)
    letters: tuple[Manifest, ...] = ()
    from_audit: Mapping[str, "BaseModel | list[BaseModel]"] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    confidential: tuple[str, ...] = ()


def files(gathered: Gathered) -> dict[str, str]:
    """Return every file of the bundle, the list of them first."""
    masks = _masks(gathered)
    kept = [_letter(letter, masks) for letter in gathered.letters]
    files_by_name = {
        **{
            _file(folder, manifest): _yaml(manifest, masks)
            for folder, objects in gathered.objects.items()
            for manifest in objects
        },
        **({"dead-letters.yaml": as_yaml(kept)} if kept else {}),
        **{file: _json(answer, masks) for file, answer in gathered.from_audit.items()},
    }
    return {MANIFEST: _manifest(gathered, files_by_name), **files_by_name}


def _masks(gathered: Gathered) -> Mask:
    """Return a mask that redacts, in all files, the confidential values of any object."""
    everything = [manifest for objects in gathered.objects.values() for manifest in objects]
    contents = [content for config_map in gathered.letters for content in _contents(config_map).values()]
    known = redact.mask(*everything, *(content for content in contents if isinstance(content, Mapping)))
    secrets = {*known.secrets, *(secret for secret in gathered.confidential if secret)}
    return Mask(frozenset(secrets))


def _file(folder: str, manifest: Manifest) -> str:
    where = metadata(manifest).get("namespace")
    return "/".join(
        part for part in (folder, where, f"{str(manifest.get('kind')).lower()}-{name(manifest)}.yaml") if part
    )


def _yaml(manifest: Manifest, masks: Mask) -> str:
    return as_yaml(masks.manifest(manifest))


def _letter(manifest: Manifest, masks: Mask) -> Any:
    """Return a dead letter with the JSON of its event parsed, and redacted."""
    whole = {**(manifest.get("data") or {}), **_contents(manifest)}
    return masks.manifest({"name": name(manifest), **whole})


def _contents(manifest: Manifest) -> dict[str, Any]:
    kept = manifest.get("data") or {}
    return {part: _parsed(str(kept[part])) for part in ("attributes", "data") if part in kept}


def _parsed(text: str) -> Any:
    """Return a JSON object; anything else is replaced, since its confidential parts cannot be told apart."""
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return {"unreadable": HIDDEN}
    if not isinstance(decoded, dict):
        return {"unreadable": HIDDEN}
    return {key: HIDDEN if key == UNDECODED else value for key, value in decoded.items()}


def _json(answer: "BaseModel | list[BaseModel]", masks: Mask) -> str:
    models = answer if isinstance(answer, list) else [answer]
    content = [model.model_dump(mode="json", by_alias=True) for model in models]
    return json.dumps(masks.value(content if isinstance(answer, list) else content[0]), indent=1) + "\n"


def _manifest(gathered: Gathered, contents: Mapping[str, str]) -> str:
    manifest = {
        "versions": dict(gathered.versions),
        "files": {file: len(content.encode()) for file, content in sorted(contents.items())},
        "leftOut": [*LEFT_OUT, *(f"you may not read, or reach: {resource}" for resource in gathered.unread)],
    }
    return json.dumps(manifest, indent=1) + "\n"


def by_folder(objects: Iterable[tuple[str, Manifest]]) -> dict[str, tuple[Manifest, ...]]:
    """Return the objects grouped by folder."""
    grouped: dict[str, list[Manifest]] = {}
    for folder, manifest in objects:
        grouped.setdefault(folder, []).append(manifest)
    return {folder: tuple(members) for folder, members in grouped.items()}
