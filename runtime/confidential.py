"""Which fields of an object are confidential, by their names: values of `env`, data of Secrets, `password`, `token`.

The name of a Secret that is referred to is not confidential, and useful.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

# Parts of keys whose values are credentials, in lower case and without punctuation.
CREDENTIALS = (
    "password",
    "passwd",
    "passphrase",
    "token",
    "secretkey",
    "clientsecret",
    "accesssecret",
    "accesskey",
    "apikey",
    "privatekey",
    "keydata",
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
# The annotation in which kubectl keeps the whole object, as it was applied, in one string.
LAST_APPLIED = "last-applied-configuration"
SECRET = "Secret"
# Longer keys are no keys of Kubernetes (a ConfigMap's have 253 characters at most, annotations' 317).
LONGEST_KEY = 512
LONGEST_PATH = 4096

_STEPS = re.compile(r"\[[^\[\]]*+\]|[^.\[\]]++")


class FieldPlace(NamedTuple):
    """What the path to a field says about its value. A path is followed key by key: items of lists add nothing to it.

    `plain` is the last key as `CREDENTIALS` has it. `certain` means that everything from here on is confidential.
    """

    in_secret: bool = False
    paired: bool = False
    reference: bool = False
    naming: bool = False
    credential: bool = False
    certain: bool = False
    plain: str = ""

    @property
    def confidential(self) -> bool:
        """Whether a value in this place is not to be shown."""
        if self.certain:
            return True
        if not self.plain or self.reference:
            return False
        if self.plain in ("secret", "name"):
            return self.plain == "secret" and not self.naming
        return self.credential

    def within(self, kind: object) -> "FieldPlace":
        """The place of an object of this kind: in a Secret, data is confidential."""
        return self._replace(in_secret=True) if kind == SECRET and not self.in_secret else self

    def below(self, key: str) -> "FieldPlace":
        """The place of a member."""
        plain, credential = _classified(key[: LONGEST_KEY + 1])
        return FieldPlace(
            in_secret=self.in_secret,
            paired=self.paired or key in PAIRED,
            reference=self.reference or plain in REFERENCES,
            naming=self.naming or self.plain in NAMING,
            credential=self.credential or credential,
            certain=self.certain
            or (self.in_secret and key in ("data", "stringData"))
            or (self.paired and key == "value")
            or LAST_APPLIED in key,
            plain=plain,
        )


ROOT = FieldPlace()


def place(path: str, kind: str = "") -> FieldPlace:
    """The place of the field at `path`, in kubectl's dotted form, of an object of this kind.

    Where the path is too long to be followed, everything is confidential.
    """
    if len(path) > LONGEST_PATH:
        return FieldPlace(certain=True)
    return _followed(ROOT.within(kind), (step for step in _STEPS.findall(path) if not step.startswith("[")))


def _followed(start: FieldPlace, keys: Iterable[str]) -> FieldPlace:
    for key in keys:
        start = start.below(key)
    return start


@lru_cache(maxsize=2048)
def _classified(key: str) -> tuple[str, bool]:
    """A key in lower case without punctuation, and whether it is a credential's; one that is too long is."""
    plain = re.sub(r"[^a-z0-9]", "", key.lower())
    return plain, len(key) > LONGEST_KEY or any(word in plain for word in CREDENTIALS)
