"""The types of the resources' fields, each with the rule the API server holds it to.

A `Rule` is CEL: it costs a user nothing but the answer to `kubectl apply`, and it needs no webhook. Its message says
what to write instead, so a bound whose breach needs explaining is a rule, and the `max_length` beside it is only what
lets the API server reckon the rule's cost: always wider than the rule.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from crds.canonical import canonical
from crds.core import ANY_NUMBER

RULES = "x-kubernetes-validations"
CORE = "x-core-type"
UNSEEN = "x-unseen"

DAY = 24 * 60 * 60
_SPAN = r"^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$"
_SPAN_SAYS = "`{field}` must be whole seconds from '1s' to '24h', written like '30s', '1m30s' or '1h'; {instead}"

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_HOST = r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?"
_PATH = r"[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*"
_TAG = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
_DIGEST = "(@[a-z0-9]+:[0-9a-f]{32,128})?"
_IMAGE = rf"^({_HOST}/)?{_PATH}(/{_PATH})*{_TAG}{_DIGEST}$"


@dataclass(frozen=True)
class CelRule:
    """One CEL rule, and what the user is told who breaks it.

    `says` may hold `{field}`, the field's name, and `{instead}`, which becomes what leaving the field out means.
    `at` is the JSON path, below the value, of the field to blame; by default the value itself.
    """

    cel: str
    says: str
    at: str | None = None

    def validation(self) -> dict[str, JsonValue]:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        rule: dict[str, JsonValue] = {"rule": self.cel, "message": self.says}
        return rule | ({"fieldPath": self.at} if self.at else {})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the annotated type, with this rule after the ones it has."""
        described = handler(schema)
        return {**described, RULES: [*described.get(RULES, []), self.validation()]}


@dataclass(frozen=True)
class Each:
    """A rule for each item of the annotated list, so that the answer shows the item."""

    rule: CelRule

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the annotated list, with this rule in its items."""
        described = handler(schema)
        items = described["items"]
        return {**described, "items": {**items, RULES: [*items.get(RULES, []), self.rule.validation()]}}


@dataclass(frozen=True)
class Core:
    """The annotated JSON is one of Kubernetes' own types, by its name in the OpenAPI document.

    It is read as the API server keeps it: `crds.canonical`.
    """

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the JSON, and after it `canonical`."""
        return no_info_after_validator_function(partial(canonical, type_name=self.name), handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Only the name: `crds.openapi_schema` puts the definition in its place."""
        return {CORE: self.name}


def text(pattern: str, most: int, says: str) -> CelRule:
    """Text of at most `most` characters that matches `pattern` (RE2)."""
    return CelRule(f"size(self) <= {most} && self.matches(r'{pattern}')", says)


def between(least: int, most: int, unit: str = "") -> CelRule:
    """A number from `least` to `most`."""
    says = f"`{{field}}` must be from {least} to {most}{unit and ' ' + unit}; {{instead}}"
    return CelRule(f"self >= {least} && self <= {most}", says)


def one_of(names: tuple[str, ...], hint: str = "") -> CelRule:
    """One of the names; `hint` tells what has become of old ones."""
    listed = ", ".join(f"'{name}'" for name in names)
    return CelRule(f"self in [{listed}]", f"`{{field}}` must be one of {listed}{hint and '; ' + hint}")


def named(names: type[StrEnum]) -> tuple[object, CelRule]:
    """One of an enumeration's names, for a field that may be blank: the API server refuses null beside `enum`."""
    return WithJsonSchema({"type": "string", "maxLength": 64}), one_of(tuple(names), "{instead}")


def atomic() -> object:
    """A list that one owner writes as a whole."""
    return Field(json_schema_extra={"x-kubernetes-list-type": "atomic"})


def unique() -> object:
    """A list of names, each at most once, that several owners may add to.

    Not for a list with a default: what the API server fills in nobody owns, so an apply would add to it.
    """
    return Field(json_schema_extra={"x-kubernetes-list-type": "set"})


def different() -> CelRule:
    """Validate that no item of a list occurs twice."""
    return CelRule(
        "self.all(one, self.exists_one(other, one == other))", "`{field}` must name each at most once; {instead}"
    )


def keyed(by: str) -> object:
    """A list of objects told apart by the field `by`."""
    return Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [by]})


def no_shown_default() -> object:
    """A block whose defaults are shown only where the user wrote the block."""
    return Field(json_schema_extra={UNSEEN: True})


def seconds(written: str | int) -> int:
    """Whole seconds of a span such as '1m30s', or of a number of seconds; ValueError outside of one second to a day."""
    if isinstance(written, int):
        total = written
    else:
        span = re.fullmatch(_SPAN, written) if written else None
        hours, minutes, rest = (int(part[:-1]) if part else 0 for part in span.groups()) if span else (0, 0, 0)
        total = hours * 3600 + minutes * 60 + rest
    if not 1 <= total <= DAY:
        raise ValueError("must be whole seconds from '1s' to '24h', written like '30s', '1m30s' or '1h'")
    return total


Seconds = Annotated[
    int,
    BeforeValidator(seconds),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": 64}),
    CelRule(
        f"type(self) == int ? self >= 1 && self <= {DAY} : self != '' && string(self).matches(r'{_SPAN}') && "
        "duration(string(self)) >= duration('1s') && duration(string(self)) <= duration('24h')",
        _SPAN_SAYS,
    ),
]
"""A span of time, '1m30s' or 90 in the resource, 90 in Python."""

Int32 = Annotated[int, Field(json_schema_extra={"format": "int32"})]
Port = Annotated[Int32, between(1, 65535)]

Image = Annotated[
    str,
    Field(max_length=1024),
    text(
        _IMAGE,
        255,
        "`{field}` must be an image reference of at most 255 characters, such as "
        "'quay.io/sustainable_computing_io/kepler:release-0.7.12'; {instead}",
    ),
]

ObjectName = Annotated[
    str,
    Field(max_length=512),
    text(
        f"^{_SUBDOMAIN}$",
        253,
        "`{field}` must be the name of an object: at most 253 lower-case letters, digits, '-' and '.', beginning and "
        "ending with a letter or digit, such as 'kepler-models'; {instead}",
    ),
]

Url = Annotated[
    str,
    Field(max_length=2048),
    text(
        r"^https?://[^\s/]+(/\S*)?$",
        1024,
        "`{field}` must begin with 'http://' or 'https://', without spaces; {instead}",
    ),
]

LabelValue = Annotated[
    str,
    Field(max_length=512),
    text(
        "^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$",
        63,
        "the values of `{field}` must be at most 63 letters, digits, '-', '_' and '.', beginning and ending with a "
        "letter or digit",
    ),
]
_NAME = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
OWN_KEYS = (
    CelRule(
        rf"self.all(key, size(key) <= 253 && key.matches(r'^({_SUBDOMAIN}/)?{_NAME}$'))",
        "the keys of `{field}` must be at most 253 letters, digits, '-', '_' and '.', after a DNS name and '/' if they "
        "have a prefix, such as 'team' or 'example.com/team'",
    ),
    CelRule(
        "self.all(key, !key.startsWith('app.kubernetes.io/') && "
        r"!key.matches(r'^([a-z0-9.-]*[.])?sustainable-computing[.]io/'))",
        "the keys of `{field}` must not begin with 'app.kubernetes.io/' or 'sustainable-computing.io/': the functions "
        "set those; choose a prefix of your own",
    ),
)
"""Keys of labels and annotations that a user adds to what the functions set."""

Labels = Annotated[dict[str, LabelValue], Field(max_length=32), *OWN_KEYS]
Annotations = Annotated[dict[str, Annotated[str, Field(max_length=2048)]], Field(max_length=32), *OWN_KEYS]

LABEL_KEYS = CelRule(
    rf"self.all(key, key.matches(r'^({_SUBDOMAIN}/)?[A-Za-z0-9]([A-Za-z0-9._-]{{0,61}}[A-Za-z0-9])?$'))",
    "the keys of `{field}` must be names of node labels, such as 'kubernetes.io/os'",
)

Quantity = Annotated[
    str,
    BeforeValidator(str),
    WithJsonSchema({**ANY_NUMBER}),
]
"""An amount, text in Python. What it must be besides, `installation.amounts` says."""
