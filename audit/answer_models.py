"""What the query API answers: JSON in camel case, times in RFC 3339, always UTC.

| path below `/api/v1` | answers | selects by |
|---|---|---|
| `resources` | `Resources`, the worst first | see below |
| `reports` | `Page[Summary]`, newest first | see below |
| `reports/<id>` | `Kept` | |
| `history` | `Page[Change]`, newest first | `kind`, `namespace`, `name` (all needed), `limit`, `before` |
| `interference` | `Interference` | `kind`, `namespace`, `name` (all needed) |
| `traces/<id>` | `Trace` | |
| `dead-letters` | `Page[DeadLetter]`, newest first | `namespace` |
| `dead-letters/<name>/replay`, `.../discard` (POST) | 202 | |
| `state` | `StoreState` | `namespace` |
| `doctor` | `Health` (`audit.answers.checks`) | `namespace` |
| `changes` | `Latest`; 204 where there is nothing newer | `after`, `namespace` |

Resources are selected by `kind`, `namespace`, `name`, by `state` and `reason`, and by `search`: words that all stand in
`namespace/name`. `limit` chooses how many, `before` the place to go on at.

Reports are selected by `kind`, `namespace`, `name`, `uid` and `generation` of what they are about, by `function`,
`outcome` and `trace`, by when they were kept (`since`, `until`), and by what was written (`target`, such as
`DaemonSet/kepler-exporter`); `limit` and `before` choose the page.

`next` of a page is what to pass as `before` for the page after it, empty at the end. Whoever may not `get` the
resources of a namespace is shown nothing of it. An error is a problem document (RFC 9457) whose `detail` says what to
do.
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


# How a condition stands: `neutral` where nothing is wanted, `stale` where it speaks of an earlier generation.
ConditionLevel = Literal["failed", "waiting", "stale", "warning", "good", "neutral"]
# How a resource stands: `warning` is ready with something open, `referenced` says nothing of itself.
StateName = Literal["failed", "waiting", "unreported", "warning", "ready", "referenced"]


class Standing(ReportedCondition):
    """A condition as the resource carries it now; `current` says that it speaks of the present generation."""

    since: AwareDatetime | None = None
    current: bool = True
    level: ConditionLevel = "good"


class ResourceState(EventPart):
    """How a resource stands, by the condition that decides it (`audit.answers.states`)."""

    name: StateName
    reason: str = ""
    message: str
    since: AwareDatetime | None = None


class Nodes(EventPart):
    """How many nodes the exporter is wanted on, runs on in its present version, and serves from."""

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
    ready: Standing | None = None
    conditions: tuple[Standing, ...] = ()
    nodes: Nodes | None = None


class ReasonCount(EventPart):
    """How many resources stand like this for this reason."""

    state: StateName
    reason: str
    count: int


class Resources(Page[ListedResource]):
    """One page of the resources. `total` counts those selected; `states` and `reasons` count what the viewer may see.

    The latter are narrowed by everything but `state` and `reason`, of which they are the choice; `reasons` has the most
    frequent only.
    """

    total: int
    states: dict[StateName, int]
    reasons: tuple[ReasonCount, ...]


class Wrote(EventPart):
    """One object that a reconcile wrote, how many of its fields, and the first of those by path."""

    object: ObjectName
    action: str
    fields: int
    paths: tuple[str, ...] = ()


class Summary(EventPart):
    """A report in short. `sequence` grows in the order in which reports were kept, `kept` is when that was."""

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
    changes: tuple[Wrote, ...]
    calls: int
    cause: Cause


class Kept(EventPart):
    """A report as it was sent, and when it was kept."""

    sequence: int
    id: str
    type: str
    kept: AwareDatetime
    report: StatusChange | Report


class Edit(EventPart):
    """What somebody changed in a resource's spec: one generation of it, compared with the one kept before.

    `by` is the field manager, `first` says that it is the oldest that is known, so that `fields` are all of them.
    `deleted` says that the resource was deleted: the generation is the one after the last, `fields` are empty, and so
    is `by`, since Kubernetes does not keep who deletes an object. `hidden` says that only values differ that are not
    shown. `verified` says that this generation, and the one it is compared with, were read from the API server. If it
    is false, an event told one of them, and anybody who reaches the Broker can send an event.
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
    """Why an episode began, and what was written in it.

    | `kind` | the episode began with |
    |---|---|
    | `edit` | the edit that made the generation: `by`, at `time` |
    | `object` | an event about another object, which was `action` `by` at `time`; was it `written`, it was put back |
    | `request` | somebody's request to look again: `source`, such as `/kepler/functions/sweep` |
    | `event` | any other event about the resource itself |

    `by` is a field manager, empty for what was deleted: Kubernetes does not keep who deletes. Except for an edit, all
    of this is what the event said that woke the function; only `by` and the time of a change are as the function read
    the object, if it read it. `written` leaves out what is only reported in a status.
    """

    kind: Literal["edit", "object", "request", "event"]
    object: ObjectName | None = None
    action: Literal["created", "changed", "deleted", ""] = ""
    by: str = ""
    time: AwareDatetime | None = None
    source: str = ""
    written: tuple[Wrote, ...] = ()


class Episode(EventPart):
    """Reports that follow closely on each other, by id, in the order in which the reconciles began.

    `began` is when the first event was sent, `milliseconds` the time from there to the end of the last reconcile. That
    end waited for those `awaited`: the last one, and back from it whoever wrote what woke it. A history, which has no
    calls, leaves that empty.
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
    reports: tuple[Kept, ...]
    episodes: tuple[Episode, ...]
    more: bool = False


class ForeignField(EventPart):
    """A field of a child that no function sets and somebody else does: it stays, and pods run with it.

    `by` is the field manager that set it last, at `time`, by `operation` (`Apply` or `Update`). `value` is redacted.
    `restart` says that it is the mark of `kubectl rollout restart`. `remove` is the command that removes the field.
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

    `path` is empty where the whole object was deleted and created again. `others` are the field managers that changed
    the field; Kubernetes does not keep who deletes. `since` and `last` are the first time of these and the last.
    """

    object: ObjectName
    path: str
    function: str
    others: tuple[str, ...] = ()
    count: int
    since: AwareDatetime
    last: AwareDatetime


class Interference(EventPart):
    """What others do to the children of a resource now: fields that they own, and fields that are fought over.

    `unread` names the children that `audit` may not read.
    """

    foreign: tuple[ForeignField, ...] = ()
    fights: tuple[Fight, ...] = ()
    unread: tuple[str, ...] = ()


class Undelivered(EventPart):
    """The event of a dead letter."""

    id: str
    type: str
    source: str
    object: ObjectName


class DeadLetter(EventPart):
    """An event that was given up: `count` times, the last time at `time`, by whom, and what that answered.

    `code` is empty where there was no answer. `complete` says that the event can be sent again as it was.
    """

    name: str
    time: AwareDatetime
    first: AwareDatetime | None = None
    count: int = 1
    destination: str
    code: str
    answer: str
    complete: bool = True
    event: Undelivered


class FinishedSweep(EventPart):
    """A sweep that has ended. Its counts are of the whole cluster: null for those who may not see all of it."""

    time: AwareDatetime
    resources: int | None = None
    diverging: int | None = None
    calls: int | None = None
    milliseconds: float | None = None


class StoreState(EventPart):
    """How many reports and bytes are kept of what the viewer may see, since when, and the last sweep."""

    reports: int
    oldest: AwareDatetime | None
    bytes: int
    sweep: FinishedSweep | None
    version: str


class Latest(EventPart):
    """The number of the newest thing kept of what the viewer may see."""

    sequence: int
