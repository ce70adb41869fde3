"""Redaction: what is confidential in an object is in no report, no log line and no answer.

Reports travel through the broker and are kept and shown to people who may not read the objects that they are about. So
every value passes through here before it enters a report or a log line. Three things make a value confidential: the
field that it is in (`runtime.confidential`), how it is written (`runtime.credentials`), and that it repeats what a
confidential field says (`runtime.known_secrets`).

Whoever may edit a resource or send an event chooses these values, so the cost is bounded: a text is cut before it is
searched, and searched in linear time; of what is nested deeper than `DEEPEST` nothing is shown.
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

# Characters of a text; no message of ours is longer. A traceback, and any value of a log line, may be.
LONGEST = 4096
LONGEST_LOGGED = 16_384
# Levels of nesting. A DaemonSet has a dozen, the schema of a CRD thirty.
DEEPEST = 64
# So many characters before a cut are searched and then dropped: a secret that the cut splits cannot be recognized. A
# longer one is, by its first half (`runtime.known_secrets`, RECOGNIZED), or by what stands before it.
MARGIN = 64

_ABSENT = object()
_OUR_KINDS = tuple(kind.name for kind in OURS)
_NAMES = ("name", "namespace")
_NOTE = re.compile(r" \.\.\. \(cut, \d{1,12} characters(?:, changed)?\)\Z")
_URL_END = re.compile(r"[\s'\"`<>]")


def text(sentence: str, longest: int = LONGEST) -> str:
    """The text without the credentials that can be recognized by how they are written, and cut after `longest`."""
    return NOTHING_KNOWN.text(sentence, longest)


@dataclass(frozen=True)
class Mask:
    """Hides the confidential values of one or more objects wherever they are repeated."""

    secrets: frozenset[str] = frozenset()

    def text(self, sentence: str, longest: int = LONGEST) -> str:
        """The text without the secrets, and without what `text` finds."""
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
        """A JSON value with each text in it redacted."""
        return self._texts(value, longest, 0)

    def change(self, path: str, before: Any, after: Any, *, kind: str = "") -> tuple[Any, Any]:
        """Return both sides of a change of a field, redacted; two values that differed still differ."""
        where = confidential.place(path, kind)
        return self._shown(before, where, _ABSENT, 0), self._shown(after, where, before, 0)

    def manifest(self, shown: Manifest) -> Manifest:
        """An object with its shape, its names and all that is not confidential."""
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
        """A value of JSON in this place; `before` is the value that it replaces."""
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
        """A text; where both sides read the same because of what is hidden or cut, it says that it changed."""
        shown = self.text(value)
        if not isinstance(before, str) or before == value or self.text(before) != shown:
            return shown
        return shown.replace(HIDDEN, CHANGED) if HIDDEN in shown else f"{shown.removesuffix(')')}, changed)"

    @staticmethod
    def _key(key: Any) -> str:
        """A key: the names of fields may be the same as somebody's secret, and are not hidden for it."""
        return credentials.hidden(str(key)[:LONGEST])


NOTHING_KNOWN = Mask()


def mask(*manifests: Manifest | None) -> Mask:
    """What hides the secrets of these objects. A value that one of them also shows openly is not secret.

    Of our resources only `spec` is read, of others neither `status` nor, but for names, `metadata`: there, annotations
    and managed fields can be larger than all the rest.
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
    """A mask that also hides what is confidential in these changes: kind, path and value of each."""
    spellings = (
        spelling
        for kind, path, value in changes
        for where, string in _strings(value, confidential.place(path, kind), 0)
        if where.confidential
        for spelling in _spellings(string)
    )
    return Mask(known.secrets.union(spellings))


def manifest(shown: Manifest) -> Manifest:
    """An object that is shown: with its shape, its names and all that is not confidential."""
    return mask(shown).manifest(shown)


def spec(resource: Manifest) -> Manifest:
    """The spec of one of our resources, redacted. Nothing else of it is read."""
    relevant = _relevant({**resource, "kind": KEPLER.name})
    redacted: Manifest = manifest(relevant).get("spec") or {}
    return redacted


def _relevant(manifest: Manifest) -> Manifest:
    """The parts of an object that secrets are looked for in."""
    if not isinstance(manifest, Mapping):
        return {}
    if manifest.get("kind") in _OUR_KINDS:
        return {key: manifest[key] for key in ("kind", "metadata", "spec") if key in manifest}
    return {key: value for key, value in manifest.items() if key != "status"}


def _strings(tree: Any, where: FieldPlace, depth: int) -> Iterator[tuple[FieldPlace, str]]:
    """Every string of a tree, and the place that it is in; of `metadata`, only names."""
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
    """A secret as it may be repeated: as it is, without the spaces around it, as JSON has it in a string."""
    return secret, secret.strip(), json.dumps(secret, ensure_ascii=False)[1:-1]


def _member(value: Any, key: Any) -> Any:
    return value.get(key, _ABSENT) if isinstance(value, Mapping) else _ABSENT


def _counterparts(items: Sequence[Any], before: Any) -> Iterator[Any]:
    """For each item the one that it replaces: that of the same name or, among items without a name, in its place."""
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
    """A text, and the note at its end that says that it was cut before."""
    note = _NOTE.search(text, max(0, len(text) - MARGIN))
    return (text[: note.start()], note[0]) if note else (text, "")


def _open_url_hidden(window: str) -> str:
    """A window that ends within a URL, without that URL: an '@' might have followed."""
    start = window.rfind("://") + 3
    return window if start < 3 or _URL_END.search(window, start) else window[:start] + HIDDEN


def _whole_marks(part: str) -> str:
    """The beginning of a redacted text, where the cut has split a mark: with that mark."""
    start = part.rfind("(", max(0, len(part) - len(CHANGED)))
    split = start >= 0 and any(mark != part[start:] and mark.startswith(part[start:]) for mark in (HIDDEN, CHANGED))
    return part[:start] + HIDDEN if split else part
