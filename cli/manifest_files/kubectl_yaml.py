"""Reads YAML and JSON as kubectl does: as JSON values, with plain scalars interpreted like `sigs.k8s.io/yaml`.

PyYAML follows YAML 1.1 exactly, kubectl does not: to kubectl `1e3` is a number, `12:30:45` and `2001-12-14` are texts,
`y` is true, `0o17` is 15. The rules are those of go.yaml.in/yaml v2.4.3, resolve.go. Keys become texts, as in
sigs.k8s.io/yaml v1.6.0, yaml.go, and whole numbers stay whole.
"""

import json
import math
import re
from collections.abc import Hashable, Iterator
from typing import Any

import yaml

STANDARD = "tag:yaml.org,2002:"
PLAIN = "!plain"

WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
NUMERIC = frozenset("0123456789+-.")
# What Go's strconv.ParseInt with base 0 accepts: `010`, `0o10` and `0x8` are 8.
INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# Larger integers are floats, as in the API server.
LIMIT = 2**63


def documents(text: str) -> list[Any]:
    """Return every document of a text. Raises yaml.YAMLError; its message may quote the text."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            return list(_json(text.lstrip("\ufeff")))
        except ValueError:  # a flow mapping of YAML begins in the same way
            pass
    return list(yaml.load_all(text, KubectlLoader))


def scalar(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMERIC:
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    whole = _integer(plain)
    if whole is not None:
        return whole
    if FLOAT.fullmatch(plain) and math.isfinite(value := float(plain)):
        return value
    return text


def _integer(plain: str) -> int | None:
    """Return a 64-bit integer; None if the text is not one."""
    match = INTEGER.fullmatch(plain)
    if not match:
        return None
    digits, base = next((digits, base) for name, base in BASES.items() if (digits := match[name]))
    value = int(f"{match['sign']}{digits}", base)
    return value if -LIMIT <= value < LIMIT else None


def number(value: float) -> int | float:
    """Return a float as JSON has it: as an integer if it is whole. Raises ValueError for infinity and NaN."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    return int(value) if value.is_integer() and abs(value) < LIMIT else value


def _number(digits: str) -> int | float:
    return number(float(digits))


def _json(text: str) -> Iterator[Any]:
    """Yield the objects of a JSON stream."""
    decoder = json.JSONDecoder(parse_float=_number, parse_constant=_number)
    at = 0
    while text[at:].strip():
        document, end = decoder.raw_decode(text[at:].lstrip())
        at = len(text) - len(text[at:].lstrip()) + end
        yield document


class KubectlLoader(yaml.SafeLoader):
    """Loads JSON values; a value that JSON cannot represent is an error."""

    def plain(self, node: yaml.ScalarNode) -> str | int | float | bool | None:
        """Construct a scalar without quotes, or with the tag of a number or a boolean."""
        value = scalar(str(node.value))
        try:
            return number(value) if isinstance(value, float) else value
        except ValueError as none:
            raise yaml.constructor.ConstructorError(None, None, str(none), node.start_mark) from none

    def text(self, node: yaml.ScalarNode) -> str:
        """Construct a time, which is text in JSON, or '<<' if it merges nothing."""
        return str(node.value)

    def untagged(self, _tag: str, node: yaml.Node) -> Any:
        """Construct a value with an unknown tag as if it had none."""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return self.construct_mapping(node, deep=True)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's
        """Construct a mapping with texts as keys; the last of several equal keys counts."""
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, f"expected a mapping, not {node.id}", node.start_mark)
        self.flatten_mapping(node)
        return {
            self._key(self.construct_object(key, deep=True), key): self.construct_object(value, deep=deep)
            for key, value in node.value
        }

    @staticmethod
    def _key(key: Any, node: yaml.Node) -> str:
        if isinstance(key, str):
            return key
        if isinstance(key, bool):
            return str(key).lower()
        if isinstance(key, int | float):
            return str(key)
        raise yaml.constructor.ConstructorError(None, None, f"a key of JSON is text, not {key!r}", node.start_mark)


KubectlLoader.yaml_implicit_resolvers = {
    None: [(f"{STANDARD}merge", re.compile(r"<<\Z")), (PLAIN, re.compile(""))],
}
for _kind in ("int", "float", "bool"):
    KubectlLoader.add_constructor(f"{STANDARD}{_kind}", KubectlLoader.plain)
KubectlLoader.add_constructor(PLAIN, KubectlLoader.plain)
for _kind in ("timestamp", "merge"):
    KubectlLoader.add_constructor(f"{STANDARD}{_kind}", KubectlLoader.text)
KubectlLoader.add_multi_constructor("!", KubectlLoader.untagged)
