"""Redaction: confidential values of an object appear in no report, no log line and no answer.

Reports travel through the broker, are stored, and are shown to people who may not read the objects that they are about.
So every value is redacted before it enters a report or a log line. A value is confidential because of the field that it
is in (`runtime.confidential`), because of its form (`runtime.credentials`), or because it repeats the value of a
confidential field (`runtime.known_secrets`).

Anybody who may edit a resource or send an event chooses these values, so the cost is bounded: a text is cut before it
is searched, and searched in linear time; values nested deeper than `DEEPEST` are hidden.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

from runtime import confidential, credentials
from runtime.confidential import FieldPlace
from runtime.credentials import CHANGED, HIDDEN
from runtime.known_secrets import KnownSecrets
from runtime.objects import KEPLER, OURS, Manifest

# Most characters of a text; no message of ours is longer. Tracebacks and values of log lines may have more.
LONGEST = 4096
LONGEST_LOGGED = 16_384
# Most levels of nesting. A DaemonSet has a dozen, the schema of a CRD thirty.
DEEPEST = 64
# Characters that are searched and then dropped before a cut: a secret that the cut splits may not be recognized. A
# longer one is recognized by its first half (`runtime.known_secrets`, RECOGNIZED), or by the text before it.
MARGIN = 64

_ABSENT = object()
_OUR_KINDS = tuple(kind.name for kind in OURS)
_NAMES = ("name", "namespace")
_NOTE = re.compile(r" \.\.\. \(cut, \d{1,12} characters(?:, changed)?\)\Z")
_URL_END = re.compile(r"[\s'\"`<>]")


def text(sentence: str, longest: int = LONGEST) -> str:
    """Return the text without credentials that are recognized by their form, cut after `longest` characters."""
    return NOTHING_KNOWN.text(sentence, longest)


@dataclass(frozen=True)
class Mask:
    """Redacts the confidential values of one or more objects wherever text repeats them."""

    secrets: frozenset[str] = frozenset()

    def text(self, sentence: str, longest: int = LONGEST) -> str:
        """Return the text without the secrets and without credentials recognized by form, cut after `longest`."""
        body, note = _without_note(sentence)
        window = body[: longest + MARGIN]
        redacted = credentials.hidden(self._known.hidden(window))
        if len(body) <= longest + MARGIN and len(redacted) <= longest + MARGIN:
            return redacted + note
        if len(body) > len(window):
            redacted = _open_url_hidden(redacted)[:-MARGIN]
        shown = credentials.hidden(_whole_marks(redacted[:longest]))
        return f"{shown} ... (cut, {len(sentence)} characters)"

    def value(self, value: Any, longest: int = LONGEST) -> Any:
        """Return a JSON value with each text in it redacted."""
        return self._texts(value, longest, 0)

    def change(self, path: str, before: Any, after: Any, *, kind: str = "") -> tuple[Any, Any]:
        """Return both sides of a change of a field, redacted; two values that differed still differ."""
        where = confidential.place(path, kind)
        return self._shown(before, where, _ABSENT, 0), self._shown(after, where, before, 0)

    def manifest(self, shown: Manifest) -> Manifest:
        """Return the object redacted, with its shape, its names and all values that are not confidential."""
        redacted: Manifest = self._shown(shown, confidential.ROOT, _ABSENT, 0)
        return redacted

    @cached_property
    def _known(self) -> KnownSecrets:
        return KnownSecrets(self.secrets)

    def _texts(self, value: Any, longest: int, depth: int) -> Any:
        match value:
            case str():
                return self.text(value, longest)
            case None | bool() | int() | float():
                return value
            case Mapping() | list() | tuple() if depth >= DEEPEST:
                return HIDDEN
            case Mapping():
                return {self._key(key): self._texts(member, longest, depth + 1) for key, member in value.items()}
            case list() | tuple():
                return [self._texts(item, longest, depth + 1) for item in value]
            case _:
                return self.text(str(value), longest)

    def _shown(self, value: Any, where: FieldPlace, before: Any, depth: int) -> Any:
        """Return a JSON value in this place, redacted; `before` is the value that it replaces."""
        match value:
            case str() | int() | float() | None:
                return self._scalar(value, where, before)
            case Mapping() | list() | tuple() if depth >= DEEPEST:
                return HIDDEN
            case Mapping():
                inside = where.within(value.get("kind"))
                return {
                    self._key(key): self._shown(member, inside.below(str(key)), _member(before, key), depth + 1)
                    for key, member in value.items()
                }
            case list() | tuple():
                pairs = zip(value, _counterparts(value, before), strict=True)
                return [self._shown(item, where, counterpart, depth + 1) for item, counterpart in pairs]
            case _:
                return HIDDEN  # not JSON

    def _scalar(self, value: Any, where: FieldPlace, before: Any) -> Any:
        match value:
            case None | bool() | "":
                return value
            case _ if where.confidential:
                return HIDDEN if before in (_ABSENT, None, "", value) else CHANGED
            case str():
                return self._changed_text(value, before)
            case _:
                return value

    def _changed_text(self, value: str, before: Any) -> str:
        """Return a redacted text; if both sides look the same after redaction, it says that the value changed."""
        shown = self.text(value)
        if not isinstance(before, str) or before == value or self.text(before) != shown:
            return shown
        return shown.replace(HIDDEN, CHANGED) if HIDDEN in shown else f"{shown.removesuffix(')')}, changed)"

    @staticmethod
    def _key(key: Any) -> str:
        """Return a key, redacted by form only: a field's name may equal somebody's secret, and is still shown."""
        return credentials.hidden(str(key)[:LONGEST])


NOTHING_KNOWN = Mask()


def mask(*manifests: Manifest | None) -> Mask:
    """Return a mask of the secrets of these objects, except values that one of them also shows in a public field.

    Only `spec` of our resources is searched, and of other objects all but `status`; of `metadata`, only names, since
    annotations and managed fields can be larger than all the rest.
    """
    secret: set[str] = set()
    shown: set[str] = set()
    for manifest in manifests:
        for where, value in _strings(_relevant(manifest or {}), confidential.ROOT, 0):
            (secret if where.confidential else shown).add(value)
            for part in credentials.userinfo(value):
                secret.update((part, *part.split(":", 1)))
    return Mask(frozenset(spelling for value in secret - shown for spelling in _spellings(value)) - shown)


def joined(known: Mask, changes: Sequence[tuple[str, str, Any]]) -> Mask:
    """Return a mask that also hides the confidential values in these changes: kind, path and value of each."""
    spellings = (
        spelling
        for kind, path, value in changes
        for where, string in _strings(value, confidential.place(path, kind), 0)
        if where.confidential
        for spelling in _spellings(string)
    )
    return Mask(known.secrets.union(spellings))


def manifest(shown: Manifest) -> Manifest:
    """Return an object redacted, with its shape, its names and all values that are not confidential."""
    return mask(shown).manifest(shown)


def spec(resource: Manifest) -> Manifest:
    """Return the spec of one of our resources, redacted. The rest of the resource is not read."""
    relevant = _relevant({**resource, "kind": KEPLER.name})
    redacted: Manifest = manifest(relevant).get("spec") or {}
    return redacted


def _relevant(manifest: Manifest) -> Manifest:
    """Return the parts of an object that are searched for secrets."""
    if not isinstance(manifest, Mapping):
        return {}
    if manifest.get("kind") in _OUR_KINDS:
        return {key: manifest[key] for key in ("kind", "metadata", "spec") if key in manifest}
    return {key: value for key, value in manifest.items() if key != "status"}


def _strings(tree: Any, where: FieldPlace, depth: int) -> Iterator[tuple[FieldPlace, str]]:
    """Yield every string of a tree with its place; of `metadata`, only names."""
    match tree:
        case str():
            yield where, tree
        case Mapping() if depth < DEEPEST:
            inside = where.within(tree.get("kind"))
            for key, value in tree.items():
                if key == "metadata" and isinstance(value, Mapping):
                    yield from ((inside, value[part]) for part in _NAMES if isinstance(value.get(part), str))
                else:
                    yield from _strings(value, inside.below(str(key)), depth + 1)
        case list() | tuple() if depth < DEEPEST:
            for item in tree:
                yield from _strings(item, where, depth + 1)


def _spellings(secret: str) -> tuple[str, ...]:
    """Return a secret as text may repeat it: as it is, without surrounding spaces, and escaped as in a JSON string."""
    return secret, secret.strip(), json.dumps(secret, ensure_ascii=False)[1:-1]


def _member(value: Any, key: Any) -> Any:
    return value.get(key, _ABSENT) if isinstance(value, Mapping) else _ABSENT


def _counterparts(items: Sequence[Any], before: Any) -> Iterator[Any]:
    """Yield, for each item, the one that it replaces: that of the same name or, without names, at its position."""
    if not isinstance(before, list | tuple):
        yield from repeat(_ABSENT, len(items))
        return
    named = {name: item for item in reversed(before) if (name := _name(item)) is not None}
    for position, item in enumerate(items):
        name = _name(item)
        if name is not None:
            yield named.get(name, _ABSENT)
        else:
            yield before[position] if position < len(before) else _ABSENT


def _name(item: Any) -> str | None:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) else None


def _without_note(text: str) -> tuple[str, str]:
    """Return a text without the note at its end that it was cut before, and the note."""
    note = _NOTE.search(text, max(0, len(text) - MARGIN))
    return (text[: note.start()], note[0]) if note else (text, "")


def _open_url_hidden(window: str) -> str:
    """Return a window with the URL that its end cuts hidden, since an '@' might have followed."""
    start = window.rfind("://") + 3
    return window if start < 3 or _URL_END.search(window, start) else window[:start] + HIDDEN


def _whole_marks(part: str) -> str:
    """Return the beginning of a redacted text with a mark that the cut has split completed."""
    start = part.rfind("(", max(0, len(part) - len(CHANGED)))
    split = start >= 0 and any(mark != part[start:] and mark.startswith(part[start:]) for mark in (HIDDEN, CHANGED))
    return part[:start] + HIDDEN if split else part
