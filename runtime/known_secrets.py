"""Finds the confidential values of one or more objects in text that repeats them.

Users choose both the secrets and the text: thousands of secrets, a text of a megabyte. So the text is read once: a
table says by the next six characters whether a secret may begin here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import takewhile

from runtime.credentials import CHANGED, HIDDEN

# Values shorter than `SHORTEST`, and words of at most `LONGEST_WORD` letters, are redacted in quotes only: else
# 'default' would vanish from many sentences.
SHORTEST = 6
LONGEST_WORD = 19
# Characters by which a longer secret is recognized. It is redacted as far as the text is equal to it.
RECOGNIZED = 32
# The most secrets with the same first 32 characters to compare; if there are more, the rest of the text is redacted.
ALIKE = 16

_QUOTED = re.compile(r"(?<=['\"`])[^'\"`]{1,19}(?=['\"`])")


class KnownSecrets:
    """An index of secrets. Secrets that are shorter than six characters and contain a quote are not searched for."""

    def __init__(self, secrets: Iterable[str]) -> None:
        sought = [secret for secret in secrets if secret and secret not in CHANGED and secret not in HIDDEN]
        self._quoted = frozenset(secret for secret in sought if _only_quoted(secret))
        self._by_beginning = _by_beginning(secret for secret in sought if not _only_quoted(secret))
        self._lengths = _lengths(self._by_beginning)

    def hidden(self, text: str) -> str:
        """Return `text` with each secret replaced by `(hidden)`."""
        if self._lengths:
            text = self._hidden_anywhere(text)
        if self._quoted:
            text = _QUOTED.sub(lambda quoted: HIDDEN if quoted[0] in self._quoted else quoted[0], text)
        return text

    def _hidden_anywhere(self, text: str) -> str:
        parts: list[str] = []
        position = shown = 0
        while position <= len(text) - SHORTEST:
            lengths = self._lengths.get(text[position : position + SHORTEST])
            length = self._found(text, position, lengths) if lengths else 0
            if length:
                parts += (text[shown:position], HIDDEN)
                shown = position + length
            position += length or 1
        return "".join((*parts, text[shown:])) if parts else text

    def _found(self, text: str, position: int, lengths: tuple[int, ...]) -> int:
        """Return the length of the longest secret that begins at this position; 0 if none does."""
        for length in lengths:
            secrets = self._by_beginning.get(text[position : position + length])
            if secrets and length < RECOGNIZED:
                return length
            if secrets and len(secrets) > ALIKE:
                return len(text) - position
            if secrets:
                return max(_common_length(text, position, secret) for secret in secrets)
        return 0


def _only_quoted(secret: str) -> bool:
    return len(secret) < SHORTEST or (secret.isalpha() and len(secret) <= LONGEST_WORD)


def _by_beginning(secrets: Iterable[str]) -> Mapping[str, list[str]]:
    secrets_by_beginning: defaultdict[str, list[str]] = defaultdict(list)
    for secret in secrets:
        secrets_by_beginning[secret[:RECOGNIZED]].append(secret)
    return secrets_by_beginning


def _lengths(beginnings: Iterable[str]) -> Mapping[str, tuple[int, ...]]:
    """Return, for the first six characters, the lengths of all beginnings that start with them, longest first."""
    lengths_by_start: defaultdict[str, set[int]] = defaultdict(set)
    for beginning in beginnings:
        lengths_by_start[beginning[:SHORTEST]].add(len(beginning))
    return {start: tuple(sorted(lengths, reverse=True)) for start, lengths in lengths_by_start.items()}


def _common_length(text: str, position: int, secret: str) -> int:
    """Return how many characters from this position on are equal to the secret's."""
    if text.startswith(secret, position):
        return len(secret)
    part = text[position : position + len(secret)]
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(part, secret, strict=False)))
