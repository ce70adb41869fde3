"""Reads the docstring under each field of a model: the field's description in the schema.

Done from the source, when the schema is generated; a running function keeps no descriptions in memory.
"""

import ast
import functools
import inspect
import textwrap

from pydantic import BaseModel


class Undescribed(Exception):
    """A field of a model has no docstring under it."""


def field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The description of each field that has one, by its name in Python, in one line."""
    descriptions: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and parent is not BaseModel:
            descriptions |= _written_in(parent)
    return descriptions


def field_docstring(model: type[BaseModel], name: str) -> str:
    """The description of one field. Raises Undescribed where it has none."""
    if name not in (descriptions := field_docstrings(model)):
        raise Undescribed(f"write a docstring under `{name}` of {model.__module__}.{model.__name__}: its description")
    return descriptions[name]


def one_line(docstring: str) -> str:
    """The text with each run of white space as one space."""
    return " ".join(docstring.split())


@functools.cache
def _written_in(model: type[BaseModel]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    if not isinstance(definition, ast.ClassDef):
        return {}
    descriptions = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                descriptions[name] = one_line(text)
    return descriptions
