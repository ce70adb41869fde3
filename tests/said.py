"""Data of events made up from their models: whatever a model allows, by Hypothesis."""

import re
import types
import typing
from datetime import UTC
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import AwareDatetime, BaseModel, JsonValue
from pydantic.fields import FieldInfo

# JSON holds these exactly, there and back.
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
INTEGERS = st.integers(-(2**53), 2**53)
TEXT = st.text(max_size=12)
JSON: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
SIMPLE: dict[Any, SearchStrategy[Any]] = {
    str: TEXT,
    int: INTEGERS,
    float: NUMBERS,
    bool: st.booleans(),
    type(None): st.none(),
    JsonValue: JSON,
    AwareDatetime: st.datetimes(timezones=st.just(UTC)),
}


def any_of(model: type[BaseModel]) -> SearchStrategy[Any]:
    """Any data that the model allows."""
    return st.builds(
        model.model_validate,
        st.fixed_dictionaries({name: _field(field) for name, field in model.model_fields.items()}),
    )


def _field(field: FieldInfo) -> SearchStrategy[Any]:
    patterns = [value.pattern for value in field.metadata if getattr(value, "pattern", None)]
    if patterns:
        return st.from_regex(re.compile(patterns[0], re.ASCII), fullmatch=True)
    return _value(field.annotation)


def _value(annotation: Any) -> SearchStrategy[Any]:
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | StrEnum):
        return any_of(annotation) if issubclass(annotation, BaseModel) else st.sampled_from(annotation)
    inner = typing.get_args(annotation)
    match typing.get_origin(annotation):
        case typing.Literal:
            return st.sampled_from(inner)
        case types.UnionType | typing.Union:
            return st.one_of(*(_value(value) for value in inner))
        case origin if origin is tuple:
            return st.lists(_value(inner[0]), max_size=3).map(tuple)
        case origin if origin is dict:
            return st.dictionaries(_value(inner[0]), _value(inner[1]), max_size=3)
    raise AssertionError(f"no data is made up for {annotation}")
