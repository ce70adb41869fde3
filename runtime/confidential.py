"""Decides by names which fields of an object are confidential: values of `env`, data of Secrets, `password`, `token`.

The name of a Secret that is referred to is not confidential, and is useful.
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
# Keys that contain only a reference to a credential, or a setting about one.
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
# `credentials: {secret: NAME}` and `headers: {secret: NAME}` of a Kepler name a Secret; elsewhere `secret` is a secret.
NAMING = frozenset({"credentials", "headers"})
# Lists of names and values.
PAIRED = frozenset({"env", "httpHeaders"})
# The annotation in which kubectl stores the whole applied object as one string.
LAST_APPLIED = "last-applied-configuration"
SECRET = "Secret"
# No key of Kubernetes is longer (a ConfigMap's has at most 253 characters, an annotation's 317).
LONGEST_KEY = 512
LONGEST_PATH = 4096

_STEPS = re.compile(r"\[[^\[\]]*+\]|[^.\[\]]++")


class FieldPlace(NamedTuple):
    """What the path to a field says about its value. A path is followed key by key; list items do not change the place.

    `plain` is the last key in the form of `CREDENTIALS`. `certain` means that every value below is confidential.
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
        """Return whether a value in this place must not be shown."""
        if self.certain:
            return True
        if not self.plain or self.reference:
            return False
        if self.plain in ("secret", "name"):
            return self.plain == "secret" and not self.naming
        return self.credential

    def within(self, kind: object) -> "FieldPlace":
        """Return the place of an object of this kind: in a Secret, data is confidential."""
        return self._replace(in_secret=True) if kind == SECRET and not self.in_secret else self

    def below(self, key: str) -> "FieldPlace":
        """Return the place of the member `key`."""
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
    """Return the place of the field at `path`, in kubectl's dotted form, of an object of this kind.

    If the path is longer than `LONGEST_PATH`, its value counts as confidential.
    """
    if len(path) > LONGEST_PATH:
        return FieldPlace(certain=True)
    return _place(path, kind)


@lru_cache(maxsize=2048)
def _place(path: str, kind: str) -> FieldPlace:
    return _followed(ROOT.within(kind), (step for step in _STEPS.findall(path) if not step.startswith("[")))


def _followed(start: FieldPlace, keys: Iterable[str]) -> FieldPlace:
    for key in keys:
        start = start.below(key)
    return start


@lru_cache(maxsize=2048)
def _classified(key: str) -> tuple[str, bool]:
    """Return a key in lower case without punctuation, and whether it names a credential; keys that are too long do."""
    plain = re.sub(r"[^a-z0-9]", "", key.lower())
    return plain, len(key) > LONGEST_KEY or any(word in plain for word in CREDENTIALS)
