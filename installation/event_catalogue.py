"""Every type of event that the operator emits: its meaning, who emits it, who acts on it, and its data.

`installation.event_documents` generates the JSON Schemas, the AsyncAPI document and `docs/events.md` from it, and
`installation.wiring` Knative's EventTypes. The tests compare it with the events that are really emitted.
"""

from dataclasses import dataclass

from events import types
from events.report import EventPart, Report, StatusChange
from events.request_data import Discard, Replay
from events.sweep_data import Resync, SweepData
from events.trained_model import Trained
from functions.function_catalogue import FUNCTIONS
from runtime.conditions import READY

Model = type[EventPart]


@dataclass(frozen=True)
class Attribute:
    """One attribute of a CloudEvent, with an example of its value."""

    name: str
    means: str
    example: str
    required: bool = True


@dataclass(frozen=True)
class EventType:
    """One type of event. `emitted_by` and `accepted_by` are names of functions, or other parties in words.

    `source` is a URI reference; its parts in `{...}` vary. `identity` says what the id follows from; if it is empty,
    each event has a new id.
    """

    type: str
    means: str
    data: Model
    emitted_by: tuple[str, ...]
    accepted_by: tuple[str, ...]
    source: str
    identity: str
    attributes: tuple[Attribute, ...]

    @property
    def short(self) -> str:
        """Return the type without the prefix that all types share."""
        return self.type.removeprefix(types.PREFIX)

    @property
    def dataschema(self) -> str:
        """Return the attribute `dataschema`, which is the `$id` of the JSON Schema."""
        return types.schema_of(self.type)


TRACEPARENT = Attribute(
    "traceparent",
    "the span that sent it (W3C Trace Context)",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
# Attributes of every event: CloudEvents 1.0, and its extension for distributed tracing.
COMMON = (
    Attribute("specversion", "version of CloudEvents", "1.0"),
    Attribute("id", "unique within the source", "5d3c2c0c-0a3b-5a1e-9a9e-0d6a4a0e7c11"),
    Attribute("type", "what happened", types.RECONCILE_CONVERGED),
    Attribute("source", "who says so", "/kepler/functions/collector"),
    Attribute("time", "when it happened", "2026-01-31T12:00:00.123456Z"),
    Attribute("datacontenttype", "how the data is written", "application/json"),
    Attribute("dataschema", "name of the data's JSON Schema", types.schema_of(types.RECONCILE_CONVERGED)),
    TRACEPARENT,
    Attribute(
        "signature",
        "HMAC-SHA256 with the installation's key; what `audit` keeps and `dead_letter` acts on has one",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        required=False,
    ),
)
# Attributes of an event about an object, as ApiServerSource sets them, so that a Trigger filters both alike.
OBJECT = (
    Attribute("subject", "the object, as the event that led to this one calls it", "Kepler/energy/kepler"),
    Attribute("kind", "the object's kind", "Kepler"),
    Attribute("apiversion", "the object's API group and version", "sustainable-computing.io/v1alpha1"),
    Attribute("namespace", "the object's namespace; absent for what is in none", "energy", required=False),
    Attribute("name", "the object's name", "kepler"),
    Attribute("partitionkey", "`<namespace>/<name>`, for channels that have partitions", "energy/kepler"),
)

RECONCILERS = tuple(function.name for function in FUNCTIONS)
# Attribute of a request: the functions that it is for.
FUNCTIONS_ATTRIBUTE = Attribute(
    "functions",
    "the functions that are to look, each between two slashes; absent where all are",
    "/collector/status/",
    required=False,
)

READINESS = tuple(function.name for function in FUNCTIONS if READY in (function.condition, *function.summaries))
CAUSE = "the event that led to it, the function, the object, and what it says"


def _report(event_type: str, means: str) -> EventType:
    return EventType(
        event_type,
        means,
        Report,
        emitted_by=RECONCILERS,
        accepted_by=("audit",),
        source="/kepler/functions/{function}",
        identity=CAUSE,
        attributes=OBJECT,
    )


CATALOGUE: tuple[EventType, ...] = (
    _report(types.RECONCILE_CONVERGED, "A function has brought its part of an object to the desired state."),
    _report(types.RECONCILE_WAITING, "A function cannot go on before something else has happened."),
    _report(types.RECONCILE_REJECTED, "A function cannot do what is asked for: somebody must change something."),
    EventType(
        types.STATUS_CHANGED,
        "`Ready` of an object has moved, for which reason to which.",
        StatusChange,
        emitted_by=READINESS,
        accepted_by=("audit",),
        source="/kepler/functions/{function}",
        identity=CAUSE,
        attributes=OBJECT,
    ),
    EventType(
        types.RESYNC_REQUESTED,
        "A function, or every one, is to look at an object again: it is not as it should be, an event concerns it and "
        "others, or somebody asks.",
        Resync,
        emitted_by=("sweep", *RECONCILERS, "the console", "`kubectl kepler`"),
        accepted_by=(*RECONCILERS, "audit"),
        source="/kepler/{by}",
        identity="the event that led to it, and the object; new for each request that people make",
        attributes=(*OBJECT, FUNCTIONS_ATTRIBUTE),
    ),
    EventType(
        types.REPLAY_REQUESTED,
        "The event of a dead letter is to be sent again.",
        Replay,
        emitted_by=("the console", "`kubectl kepler`"),
        accepted_by=("dead_letter", "audit"),
        source="/kepler/{by}",
        identity="",
        attributes=OBJECT,
    ),
    EventType(
        types.DISCARD_REQUESTED,
        "A dead letter is to be deleted: nobody can use its event.",
        Discard,
        emitted_by=("the console",),
        accepted_by=("dead_letter", "audit"),
        source="/kepler/{by}",
        identity="",
        attributes=OBJECT,
    ),
    EventType(
        types.SWEEP_FINISHED,
        "A sweep has looked at everything; the age of the last one tells whether anybody still looks.",
        SweepData,
        emitted_by=("sweep",),
        accepted_by=("audit",),
        source="/kepler/functions/sweep",
        identity="the event that led to the sweep",
        attributes=(),
    ),
    EventType(
        types.MODEL_TRAINED,
        "A new power model is there to be used.",
        Trained,
        emitted_by=("pipelines that train models",),
        accepted_by=("audit",),
        source="{pipeline}",
        identity="what the pipeline decides",
        attributes=(),
    ),
)
BY_TYPE = {event_type.type: event_type for event_type in CATALOGUE}
