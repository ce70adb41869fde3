"""What must not be told: values of environment variables, Secrets, passwords in URLs, tokens.

Reports travel through the broker and are kept and shown to people who may not read the objects that they are about. So
every value passes through here before it enters a report or a log line. The name of a Secret that is referred to is no
secret, and useful.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.objects import Manifest

HIDDEN = "(hidden)"
# In place of what comes after, where what was before is hidden, too, and was another.
CHANGED = "(hidden, changed)"

# Parts of keys whose values are credentials, spelt without case and punctuation.
CREDENTIALS = (
    "password",
    "passwd",
    "passphrase",
    "token",
    "secretkey",
    "accesssecret",
    "accesskey",
    "apikey",
    "privatekey",
    "authorization",
    "credential",
    "cookie",
    "headers",
)
# Keys below which an object is only named, or that say something about a credential.
REFERENCES = frozenset(
    {
        "secretkeyref",
        "secretref",
        "configmapkeyref",
        "imagepullsecrets",
        "secretname",
        "serviceaccounttoken",
        "automountserviceaccounttoken",
    }
)
# `credentials: {secret: NAME}` and `headers: {secret: NAME}` of a Kepler name a Secret; elsewhere `secret` is one.
NAMING = frozenset({"credentials", "headers"})
# Lists of names and values.
PAIRED = frozenset({"env", "httpHeaders"})
# Holds all of the object, as it was applied, in one string.
LAST_APPLIED = "last-applied-configuration"
SECRET = "Secret"
# Stands in a path for an object of kind Secret.
WITHIN_SECRET = "\0secret"

# Shorter values, and mere words, are sought in sentences in quotes only: else 'default' would vanish from many.
SOUGHT = 6

_WORDS = (
    r"(?:pass(?:word|wd|phrase)|token|secret[-_]?(?:access[-_]?)?key|access[-_]?(?:key|secret)|api[-_]?key"
    r"|private[-_]?key|authorization|credentials?)"
)
# In order: a URL's userinfo; `key=value` and `key: value` (not the API server's `field: Invalid value`); a token by
# its scheme (RFC 6750); what pydantic tells of the value it refuses.
_PATTERNS = (
    (re.compile(r"(?P<kept>[A-Za-z][A-Za-z0-9+.-]*://)[^\s'\"`<>]*@"), rf"\g<kept>{HIDDEN}@"),
    (
        re.compile(
            rf"(?P<kept>(?i:{_WORDS})[\w-]*[\"']?\s*[=:]\s*)"
            r"(?!\(hidden|Invalid |Forbidden|Required |Unsupported |Duplicate |Too )"
            r"(?:(?i:bearer|basic)\s+)?(?:\"[^\"]*\"|'[^']*'|[^\s,;&\"'`]+)"
        ),
        rf"\g<kept>{HIDDEN}",
    ),
    (re.compile(r"(?P<kept>\b(?i:bearer)\s+)[\w+/=.~-]{8,}"), rf"\g<kept>{HIDDEN}"),
    (re.compile(r"(?P<kept>input_value=).*?(?=, input_type=)", re.DOTALL), rf"\g<kept>{HIDDEN}"),
)
_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s'\"`<>]*)@")
_TOKENS = re.compile(r"\[[^\]]*\]|[^.\[\]]+")


@dataclass(frozen=True)
class Absent:
    """Stands for a value that there is nothing to compare with."""


ABSENT = Absent()
Path = tuple[str, ...]


def text(said: str) -> str:
    """A sentence without the credentials that are to be known by how they are written."""
    for pattern, instead in _PATTERNS:
        said = pattern.sub(instead, said)
    return said


@dataclass(frozen=True)
class Mask:
    """Hides what one object says in confidence, wherever it is repeated.

    `secrets` are the values themselves, the longest first; those that the object says openly elsewhere are none.
    """

    secrets: tuple[str, ...] = ()

    def text(self, said: str) -> str:
        """A sentence without them, and without what `text` finds."""
        for secret in self.secrets:
            if len(secret) < SOUGHT or secret.isalpha():
                said = re.sub(rf"(?<=['\"`]){re.escape(secret)}(?=['\"`])", HIDDEN, said)
            else:
                said = said.replace(secret, HIDDEN)
        return text(said)

    def value(self, value: Any) -> Any:
        """A value of JSON with every sentence in it hidden so."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {key: self.value(one) for key, one in value.items()}
            case list() | tuple():
                return [self.value(one) for one in value]
            case _:
                return value

    def change(self, path: str, before: Any, after: Any, *, kind: str = "") -> tuple[Any, Any]:
        """Both sides of a change of the field at `path` of an object of this kind; what differed still does."""
        tokens = (*((WITHIN_SECRET,) if kind == SECRET else ()), *_TOKENS.findall(path))
        return self.value(_masked(before, tokens, ABSENT)), self.value(_masked(after, tokens, before))


def mask(*manifests: Manifest | None) -> Mask:
    """What hides the secrets of these objects; a malformed one has none."""
    found: set[str] = set()
    told: set[str] = set()
    for manifest in manifests:
        for path, value in _leaves(manifest or {}, ()):
            (found if _secret(path) else told).add(value)
            found.update(part for whole in _USERINFO.findall(value) for part in (whole, *whole.split(":", 1)) if part)
    return Mask(tuple(sorted(found - told, key=lambda one: (-len(one), one))))


def joined(mask: Mask, changes: Sequence[tuple[str, str, Any]]) -> Mask:
    """A mask that also hides what is secret in these changes: kind, path and value of each."""
    found = set(mask.secrets)
    for kind, path, value in changes:
        tokens = (*((WITHIN_SECRET,) if kind == SECRET else ()), *_TOKENS.findall(path))
        found.update(leaf for where, leaf in _leaves(value, tokens) if _secret(where))
    return Mask(tuple(sorted(found, key=lambda one: (-len(one), one))))


def manifest(shown: Manifest) -> Manifest:
    """An object, to be shown: with its shape, its names and all that is no secret."""
    hidden: Manifest = mask(shown).value(_masked(shown, (), ABSENT))
    return hidden


def _leaves(tree: Any, path: Path) -> Iterator[tuple[Path, str]]:
    match tree:
        case str():
            yield path, tree
        case Mapping():
            for key, value in tree.items():
                yield from _leaves(value, _below(tree, path, str(key)))
        case list() | tuple():
            for item in tree:
                yield from _leaves(item, (*path, _selector(item)))


def _below(tree: Mapping[str, Any], path: Path, key: str) -> Path:
    """The path of a member; what a Secret holds is marked as such wherever one is."""
    within = (WITHIN_SECRET,) if tree.get("kind") == SECRET else ()
    return (*path, *within, key)


def _selector(item: Any) -> str:
    named = isinstance(item, Mapping) and isinstance(item.get("name"), str)
    return f"[name={item['name']}]" if named else "[]"


def _masked(value: Any, path: Path, other: Any) -> Any:
    """A value with its secrets hidden; `other` is what was there before."""
    match value:
        case Mapping():
            return {key: _masked(one, _below(value, path, str(key)), _member(other, key)) for key, one in value.items()}
        case list() | tuple():
            return [
                _masked(one, (*path, _selector(one)), _counterpart(other, place, one))
                for place, one in enumerate(value)
            ]
        case None | bool() | "":
            return value
        case _ if _secret(path):
            return CHANGED if other not in (ABSENT, None, "", value) else HIDDEN
        case str():
            shown = text(value)
            same = isinstance(other, str) and other != value and text(other) == shown
            return shown.replace(HIDDEN, CHANGED) if same else shown
        case _:
            return value


def _member(other: Any, key: str) -> Any:
    return other.get(key, ABSENT) if isinstance(other, Mapping) else ABSENT


def _counterpart(other: Any, place: int, item: Any) -> Any:
    """The item of the same name or, among items without a name, in the same place."""
    if not isinstance(other, list | tuple):
        return ABSENT
    if (wanted := _selector(item)) != "[]":
        return next((one for one in other if _selector(one) == wanted), ABSENT)
    return other[place] if place < len(other) else ABSENT


def _secret(path: Path) -> bool:
    """Whether what stands at this path is told in confidence."""
    if not path:
        return False
    if WITHIN_SECRET in path and {"data", "stringData"} & set(path[path.index(WITHIN_SECRET) :]):
        return True
    if LAST_APPLIED in path[-1] or (path[-1] == "value" and PAIRED & set(path)):
        return True
    keys = [_plain(key) for key in path if not key.startswith("[")]
    if not keys or REFERENCES & set(keys):
        return False
    if keys[-1] in ("secret", "name"):
        return keys[-1] == "secret" and not NAMING & set(keys[:-1])
    return any(word in key for key in keys for word in CREDENTIALS)


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())
