"""Parses what a request selects from its query string; invalid parameters are refused with what to send instead."""

from typing import Annotated, TypeVar, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from werkzeug.datastructures import MultiDict

from audit.answer_models import StateName
from audit.problems import HttpProblem

# The number of items in one answer: without the parameter `limit`, and at most.
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
# The largest generation or sequence number that a query may contain.
MAX_NUMBER = 2**62


def _target(written: str) -> str:
    kind, _, name = written.partition("/")
    if not (kind and name):
        raise ValueError("write it as `<kind>/<name>`, such as 'DaemonSet/kepler-exporter'")
    return written


def _state(written: str) -> str:
    known = get_args(StateName)
    if written not in known:
        raise ValueError(f"write one of {', '.join(known)}")
    return written


class Selection(BaseModel):
    """Parameters of a query string, text unless typed otherwise; a blank one does not restrict the selection."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ObjectFilter(Selection):
    """Selects objects as they are now."""

    kind: str = ""
    namespace: str = ""
    name: str = ""


class ResourceSelection(ObjectFilter):
    """Selects resources by state and reason; `before` is the cursor."""

    state: Annotated[str, AfterValidator(_state)] = ""
    reason: str = ""
    search: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(gt=0, le=MAX_LIMIT)] = DEFAULT_LIMIT
    before: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = 0


class ReportSelection(ObjectFilter):
    """Selects reports; `since` and `until` are times at which they were stored."""

    uid: str = ""
    generation: Annotated[int | None, Field(ge=0, le=MAX_NUMBER)] = None
    function: str = ""
    outcome: str = ""
    trace: str = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    target: Annotated[str, AfterValidator(_target)] = ""
    limit: Annotated[int, Field(gt=0, le=MAX_LIMIT)] = DEFAULT_LIMIT
    before: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = MAX_NUMBER


class ObjectSelection(Selection):
    """Selects one object; `namespace` is blank for an object of the whole cluster."""

    kind: Annotated[str, Field(min_length=1)]
    namespace: str = ""
    name: Annotated[str, Field(min_length=1)]


class HistorySelection(ObjectSelection):
    """Selects a page of one object's history."""

    limit: Annotated[int, Field(gt=0, le=MAX_LIMIT)] = DEFAULT_LIMIT
    before: Annotated[str, Field(pattern=r"^\d{1,18}\.\d{1,18}$")] = f"{10**17}.0"

    @property
    def place(self) -> tuple[int, int]:
        """Return life and generation; the page holds what is below them."""
        life, _, generation = self.before.partition(".")
        return int(life), int(generation)


class NamespaceSelection(Selection):
    """Selects what is about one namespace."""

    namespace: str = ""


class ChangesSelection(NamespaceSelection):
    """Selects what was stored after a cursor."""

    after: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = 0


class EmptySelection(Selection):
    """Accepts no parameters."""


Wanted = TypeVar("Wanted", bound=Selection)


def selected(model: type[Wanted], given: MultiDict[str, str]) -> Wanted:
    """Return the parameters of a request. Raises HttpProblem that names the first wrong one."""
    try:
        return model.model_validate({name: value for name, value in given.items() if value.strip()})
    except ValidationError as wrong:
        first = wrong.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        raise HttpProblem(400, f"there is no parameter `{name}`: {_known(model)}")
    if first["type"] == "missing":
        raise HttpProblem(400, f"`{name}` is missing: {_known(model)}")
    raise HttpProblem(400, f"`{name}` is '{given[name]}': {first['msg'].removeprefix('Value error, ')}")


def _known(model: type[Selection]) -> str:
    names = ", ".join(f"`{name}`" for name in model.model_fields)
    return f"known are {names}" if names else "there are none"
