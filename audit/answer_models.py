"""The answers of the query API: JSON in camel case, times in RFC 3339, always UTC.

| path below `/api/v1` | answers | selects by |
|---|---|---|
| `resources` | `Resources`, the worst first | see below |
| `reports` | `Page[Summary]`, newest first | see below |
| `reports/<id>` | `StoredReport` | |
| `history` | `Page[Change]`, newest first | `kind`, `namespace`, `name` (all needed), `limit`, `before` |
| `interference` | `Interference` | `kind`, `namespace`, `name` (all needed) |
| `traces/<id>` | `Trace` | |
| `dead-letters` | `Page[DeadLetter]`, newest first | `namespace` |
| `dead-letters/<name>/replay`, `.../discard` (POST) | 202 | |
| `state` | `StoreState` | `namespace` |
| `doctor` | `Health` (`audit.answers.checks`) | `namespace` |
| `changes` | `Cursor`; 204 if there is nothing newer | `after`, `namespace` |

Resources are selected by `kind`, `namespace`, `name`, by `state` and `reason`, and by `search`: words that all occur in
`namespace/name`. `limit` is the size of a page, `before` its cursor.

Reports are selected by `kind`, `namespace`, `name`, `uid` and `generation` of their object, by `function`, `outcome`
and `trace`, by the time at which they were stored (`since`, `until`), and by an object that was written (`target`, such
as `DaemonSet/kepler-exporter`); `limit` and `before` choose the page.

`resources`, `dead-letters`, `doctor` and `interference` show the cluster as it was read for all viewers together. Their
header `Read-Age` is the number of seconds since that read began, `Next-Read` the number of seconds until the next one
can begin. A viewer who knows of a newer change asks again then.

`next` of a page is the value of `before` for the following page, and empty on the last one. A user who may not `get`
the resources of a namespace sees nothing of it. An error is a problem document (RFC 9457) with a `detail` that says
what to do.
"""

from typing import Generic, Literal, TypeVar

from pydantic import AwareDatetime, JsonValue

from events.report import Cause, EventPart, Field, ObjectName, Report, ReportedCondition, StatusChange, Subject

API = "/api/v1"

Item = TypeVar("Item")


class Page(EventPart, Generic[Item]):
    """One page of a list, and the cursor of the next page."""

    items: tuple[Item, ...]
    next: str = ""


# Level of a condition: `neutral` if nothing is requested, `stale` if it is about an earlier generation.
ConditionLevel = Literal["failed", "waiting", "stale", "warning", "good", "neutral"]
# State of a resource: `warning` is ready with a problem left, `referenced` has no conditions of its own.
StateName = Literal["failed", "waiting", "unreported", "warning", "ready", "referenced"]


class ConditionState(ReportedCondition):
    """A condition as the resource has it now; `current` says that it is about the present generation."""

    since: AwareDatetime | None = None
    current: bool = True
    level: ConditionLevel = "good"


class ResourceState(EventPart):
    """The state of a resource, and the condition that decides it (`audit.answers.states`).

    `step` is the part of the message that says what to do; empty if it says nothing of that.
    """

    name: StateName
    reason: str = ""
    message: str
    step: str = ""
    since: AwareDatetime | None = None


class Nodes(EventPart):
    """The number of nodes where the exporter should run, runs in its present version, and is available."""

    desired: int
    updated: int
    available: int


class ListedResource(EventPart):
    """One resource as the API server has it now; `ready` is its condition `Ready`, if it has one."""

    object: Subject
    generation: int
    created: AwareDatetime
    deleting: bool = False
    state: ResourceState
    ready: ConditionState | None = None
    conditions: tuple[ConditionState, ...] = ()
    nodes: Nodes | None = None


class ReasonCount(EventPart):
    """The number of resources with this state and reason."""

    state: StateName
    reason: str
    count: int


class Resources(Page[ListedResource]):
    """One page of the resources. `total` counts those selected; `states` and `reasons` count what the viewer may see.

    The latter two apply every parameter except `state` and `reason`, so that they show the choices for these. `reasons`
    has only the most frequent ones.
    """

    total: int
    states: dict[StateName, int]
    reasons: tuple[ReasonCount, ...]


class WriteSummary(EventPart):
    """One object that a reconcile wrote, how many of its fields, and the first of those by path."""

    object: ObjectName
    action: str
    fields: int
    paths: tuple[str, ...] = ()


class Summary(EventPart):
    """The summary of a report. `sequence` grows in the order in which reports were stored, `kept` is when that was."""

    sequence: int
    id: str
    type: str
    kept: AwareDatetime
    function: str
    outcome: str
    object: Subject
    generation: int
    trace: str
    began: AwareDatetime
    milliseconds: float
    rounds: int
    condition: ReportedCondition | None
    changes: tuple[WriteSummary, ...]
    calls: int
    cause: Cause


class StoredReport(EventPart):
    """A report as it was sent, and when it was stored."""

    sequence: int
    id: str
    type: str
    kept: AwareDatetime
    report: StatusChange | Report


class Edit(EventPart):
    """What somebody changed in a resource's spec: one generation of it, compared with the one stored before.

    `by` is the field manager. `first` says that it is the oldest known generation, so that `fields` are all of them.
    `deleted` says that the resource was deleted: the generation is the one after the last, and `fields` and `by` are
    empty, since Kubernetes does not record who deletes an object. `hidden` says that only redacted values differ.
    `verified` says that this generation, and the one it is compared with, were read from the API server. If it is
    false, one of them was taken from an event, and anybody who reaches the Broker can send an event.
    """

    object: Subject
    generation: int
    time: AwareDatetime
    by: str
    first: bool
    deleted: bool = False
    hidden: bool = False
    verified: bool = False
    fields: tuple[Field, ...]


class EpisodeCause(EventPart):
    """The cause of an episode, and what was written in it.

    | `kind` | the episode began with |
    |---|---|
    | `edit` | the edit that made the generation: `by`, at `time` |
    | `object` | an event about another object, which was `action` `by` at `time`; if `written`, it is put back |
    | `request` | a request to reconcile: `source`, such as `/kepler/functions/sweep` |
    | `event` | any other event about the resource itself |

    `by` is a field manager, empty for a deletion: Kubernetes does not record who deletes. Except for an edit, all of
    this is copied from the event that triggered the function; only `by` and the time of a change are as the function
    read the object, if it read it. `written` does not include status writes.
    """

    kind: Literal["edit", "object", "request", "event"]
    object: ObjectName | None = None
    action: Literal["created", "changed", "deleted", ""] = ""
    by: str = ""
    time: AwareDatetime | None = None
    source: str = ""
    written: tuple[WriteSummary, ...] = ()


class Episode(EventPart):
    """Ids of reports that follow closely on each other, in the order in which the reconciles began.

    `began` is when the first event was sent, `milliseconds` the time from there to the end of the last reconcile.
    `awaited` are the reports that this end waited for: the last one, the one that wrote what triggered it, and so on
    back. It is empty in a history, which has no API calls.
    """

    began: AwareDatetime
    milliseconds: float
    reports: tuple[str, ...]
    awaited: tuple[str, ...]
    cause: EpisodeCause


class Change(EventPart):
    """One generation of a resource: the edit that made it, and what the functions did about it, in order.

    `more` says that only the newest reports on it are here.
    """

    object: Subject
    generation: int
    trace: str
    began: AwareDatetime
    edit: Edit | None
    reports: tuple[Summary, ...]
    episodes: tuple[Episode, ...] = ()
    more: bool = False


class Trace(EventPart):
    """One change with its reports in full, in the order in which the reconciles began; each is in one episode.

    `more` says that only the newest reports are here.
    """

    trace: str
    object: Subject
    generation: int
    edit: Edit | None
    reports: tuple[StoredReport, ...]
    episodes: tuple[Episode, ...]
    more: bool = False


class ForeignField(EventPart):
    """A field of a child that somebody else owns and no function sets: it stays, and pods run with it.

    `by` is the field manager that set it last, at `time`, by `operation` (`Apply` or `Update`). `value` is redacted.
    `restart` says that it is the annotation of `kubectl rollout restart`. `remove` is the command that removes the
    field.
    """

    object: ObjectName
    path: str
    value: JsonValue = None
    by: str
    operation: str
    time: AwareDatetime | None = None
    restart: bool = False
    remove: str = ""


class Fight(EventPart):
    """A field that a function put back `count` times within the last hour, since others changed it each time.

    `path` is empty if the whole object was deleted and created again. `others` are the field managers that changed the
    field; Kubernetes does not record who deletes. `since` and `last` are the first and the last of these times.
    """

    object: ObjectName
    path: str
    function: str
    others: tuple[str, ...] = ()
    count: int
    since: AwareDatetime
    last: AwareDatetime


class Interference(EventPart):
    """What others change in the children of a resource: fields that they own, and fields that are fought over.

    `unread` names the children that `audit` may not read.
    """

    foreign: tuple[ForeignField, ...] = ()
    fights: tuple[Fight, ...] = ()
    unread: tuple[str, ...] = ()


class DeadLetterEvent(EventPart):
    """The event of a dead letter."""

    id: str
    type: str
    source: str
    object: ObjectName


class DeadLetter(EventPart):
    """An event that could not be delivered, `count` times, the last time at `time`.

    `destination` is the receiver, `code` and `answer` are its last answer; `code` is empty if there was none.
    `complete` says that the event was stored as a whole, so that it can be sent again.
    """

    name: str
    time: AwareDatetime
    first: AwareDatetime | None = None
    count: int = 1
    destination: str
    code: str
    answer: str
    complete: bool = True
    event: DeadLetterEvent


class FinishedSweep(EventPart):
    """A sweep that has ended. Its counts are about the whole cluster: null for a user who may not see all of it."""

    time: AwareDatetime
    resources: int | None = None
    diverging: int | None = None
    calls: int | None = None
    milliseconds: float | None = None


class StoreState(EventPart):
    """The number of reports and the size of all data that the viewer may see, the oldest time, and the last sweep."""

    reports: int
    oldest: AwareDatetime | None
    bytes: int
    sweep: FinishedSweep | None
    version: str


class Cursor(EventPart):
    """The highest sequence number that the viewer may see."""

    sequence: int
