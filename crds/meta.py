"""What the four resources share: their group, their metadata, their conditions, and how a blank value is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from crds.fields import CelRule, Int32, keyed

GROUP = "sustainable-computing.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
# Not "kepler": that is the singular of one of them, and kubectl would take the name for all four.
CATEGORY = "kepler-all"

# Both as metav1.Condition has them (k8s.io/apimachinery v0.35.4:pkg/apis/meta/v1/types.go).
CONDITION_TYPE = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)
REASON = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"


@dataclass(frozen=True)
class Names:
    """What a resource is called, and where it lives."""

    kind: str
    plural: str
    short: str
    namespaced: bool = True

    @property
    def singular(self) -> str:
        """Return the singular, as kubectl prints it."""
        return self.kind.lower()


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`; a `priority` above 0 is for `-o wide`."""

    name: str
    path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    priority: int = 0


AGE = Column("Age", ".metadata.creationTimestamp", "date")
# How long ago a resource was deleted that a finalizer holds: its conditions are not written any more. Blank otherwise.
DELETED = Column("Deleted", ".metadata.deletionTimestamp", "date")


def condition_columns() -> tuple[Column, Column]:
    """Whether the resource is `Ready`, and why."""
    ready = '.status.conditions[?(@.type=="Ready")]'
    return Column("Ready", f"{ready}.status"), Column("Reason", f"{ready}.reason")


class ResourcePart(BaseModel):
    """A part of a resource. A blank value is read as an absent one, so the default holds.

    The docstring under a field is its description in the schema, where the default is added to it.
    """

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)
    rules: ClassVar[tuple[CelRule, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _blank_means_absent(cls, written: object) -> object:
        if not isinstance(written, Mapping):
            return written
        return {name: value for name, value in written.items() if value is not None}


class SpecPart(ResourcePart):
    """A part that the user writes: kebab-case names, and no others than these."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"), extra="forbid")


class StatusPart(ResourcePart):
    """A part that the functions write: camelCase names. What an older or newer release wrote beside them is ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class Condition(StatusPart):
    """One answer about the resource, as metav1.Condition has it."""

    model_config = ConfigDict(
        json_schema_extra={"required": ["type", "status", "reason", "message", "lastTransitionTime"]}
    )

    type: Annotated[str, Field(max_length=316, json_schema_extra={"pattern": CONDITION_TYPE})] = ""
    """What is asked, such as 'Ready'."""
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]})] = "Unknown"
    """The answer."""
    reason: Annotated[str, Field(max_length=1024, json_schema_extra={"minLength": 1, "pattern": REASON})] = ""
    """Why, in one CamelCase word for programs."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """Why, in a sentence for people."""
    observed_generation: Annotated[int | None, Field(json_schema_extra={"format": "int64", "minimum": 0})] = None
    """The `metadata.generation` this answer is about."""
    last_transition_time: Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})] = ""
    """When `status` last changed."""


Conditions = Annotated[tuple[Condition, ...], Field(max_length=32), keyed("type")]
Generation = Annotated[int, Field(json_schema_extra={"format": "int64", "minimum": 0})]
Count = Annotated[Int32, Field(json_schema_extra={"minimum": 0})]


class Metadata(StatusPart):
    """What we read of an object's metadata; the API server describes it, so the schema does not."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    deletion_timestamp: str | None = None
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class Resource(ResourcePart):
    """An object as the API server gives it: `Kepler.model_validate(raw)`."""

    model_config = ConfigDict(extra="ignore")
    names: ClassVar[Names]
    columns: ClassVar[tuple[Column, ...]]

    metadata: Metadata = Metadata()

    @property
    def name(self) -> str:
        """Return the name of the resource."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """The namespace it is in; empty for a cluster-scoped one."""
        return self.metadata.namespace
