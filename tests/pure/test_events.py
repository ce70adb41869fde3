"""The catalogue of events against what is really emitted and really accepted."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from dead_letters.dead_letter_store import DeadLetterStore
from events import types
from events.report import Report, StatusChange
from events.sweep_data import Resync, SweepData
from events.trained_model import Trained
from functions.function_catalogue import FUNCTIONS, LISTENERS, NAMES
from installation import wiring
from installation.event_catalogue import BY_TYPE, CATALOGUE, COMMON, OBJECT, READINESS, RECONCILERS, EventType
from installation.event_documents import SCHEMAS
from local.layout import ROOT
from runtime import requests
from runtime.client import ApiResponse, Client, Request
from runtime.envelope import about, cloud_event
from runtime.event import Event, decode
from runtime.listener import Filter
from runtime.objects import KEPLER, MACHINE_CONFIG, Ref
from runtime.reports import emitted
from runtime.signature import Keyring, signed
from runtime.tracing import parse_traceparent, trace_of
from runtime.wake import naming_error, nothing_to_do, parents
from sweeper import sweep_run
from tests.said import any_of

KEY = Ref(KEPLER, "energy", "kepler")
SHOWN = {"metadata": {"name": "kepler", "namespace": "energy", "uid": "u", "generation": 3}}
REPORT: dict[str, Any] = {
    "function": "collector",
    "trace": "0af7651916cd43dd8448eb211c80319c",
    "began": "2026-01-31T12:00:00Z",
    "outcome": "converged",
    "object": {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "namespace": "energy",
        "name": "kepler",
        "uid": "0d6a4a0e",
    },
    "generation": 3,
    "conditions": [{"type": "CollectorReconciled", "status": "True", "reason": "Reconciled", "message": "done"}],
    "changes": [
        {
            "object": {"apiVersion": "apps/v1", "kind": "DaemonSet", "namespace": "energy", "name": "kepler-exporter"},
            "action": "changed",
            "fields": [{"path": "spec.x", "before": None, "after": {"a": [1, "b"]}}],
        }
    ],
    "calls": [{"verb": "GET", "path": "/api/v1/x", "status": 200, "began": 0.1, "milliseconds": 4.2}],
    "rounds": 1,
    "milliseconds": 12.5,
    "cause": {"id": "1", "type": types.RESOURCE_UPDATE, "source": "https://10.96.0.1", "sent": "2026-01-31T11:59:59Z"},
}


def report(**changed: Any) -> CloudEvent:
    """A report on its way."""
    content = {**REPORT, **changed}
    return emitted((StatusChange if "readyTo" in content else Report).model_validate(content))


def diverging(cause: str = "7") -> CloudEvent:
    """What a sweep asks for."""
    return sweep_run.resync_event(
        sweep_run.DivergingObject(KEY, trace_of(SHOWN), {"collector": ("Service 'x' is missing",)}), cause
    )


def swept(cause: str = "7") -> CloudEvent:
    """What a sweep says at its end."""
    return sweep_run.finished_event(SweepData(resources=3, diverging=1, calls=17, milliseconds=12.5), cause)


def trained() -> CloudEvent:
    """What a pipeline says: it has no key and is about no object, and its ids are its own."""
    data = Trained(name="m", digest=f"sha256:{'0' * 64}", place="https://x/m.zip", metrics={"mae": 0.5})
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    return cloud_event(
        types.MODEL_TRAINED, "pipelines/nightly", data, time=datetime(2026, 1, 31, 12, tzinfo=UTC), traceparent=trace
    )


EMITTED: dict[str, Callable[[], CloudEvent]] = {
    "a function that converged": report,
    "a function that waits": lambda: report(outcome="waiting"),
    "a function that rejects": lambda: report(outcome="rejected"),
    "a function about what is in no namespace": lambda: report(
        object={"apiVersion": MACHINE_CONFIG.api_version, "kind": "KeplerMachineConfig", "namespace": "", "name": "m"}
    ),
    "`Ready` that moved": lambda: report(readyFrom="Reconciling", readyTo="Ready"),
    "a sweep that found something": diverging,
    "a sweep that found what a deletion left": lambda: sweep_run.resync_event(
        sweep_run.DivergingObject(KEY, None, {}), "7"
    ),
    "a sweep at its end": swept,
    "a request for one of many": lambda: requests.one_of_many(KEY, received(diverging()), ("status",)),
    "a report that is signed": lambda: signed(report(), b"k" * 32),
    "a request to look again": lambda: requests.resync(KEY, by="cli"),
    "a request to look again at what is in no namespace": lambda: requests.resync(
        Ref(MACHINE_CONFIG, "", "m"), by="cli"
    ),
    "a request to send again": lambda: requests.replay("dead-letter-1", by="console"),
    "a pipeline that has trained a model": trained,
    "a request to discard": lambda: requests.discard("dead-letter-1", by="console"),
}


def checked_in(event_type: str) -> Any:
    """The schema of a type as it is published."""
    short = event_type.removeprefix(types.PREFIX)
    file = ROOT / SCHEMAS / f"{short}.json"
    assert file.is_file(), f"{short} has no schema: run `make generate` and commit the result"
    return json.loads(file.read_text())


def holds(data: Any, event_type: str) -> None:
    """Fails where data is not as the published schema says."""
    validator = Draft202012Validator(checked_in(event_type), format_checker=Draft202012Validator.FORMAT_CHECKER)
    validator.validate(data)


def received(event: CloudEvent, *, structured: bool = False) -> Event:
    """An event as it arrives at a function."""
    message = to_structured_event(event) if structured else to_binary_event(event)
    return decode(dict(message.headers), message.body)


@pytest.mark.parametrize("emit", EMITTED.values(), ids=EMITTED)
def test_what_is_emitted_is_as_published(emit: Callable[[], CloudEvent]) -> None:
    """Data by the schema that the event names, and the attributes of its type, none missing and none besides."""
    event = emit()
    event_type = BY_TYPE[event.get_type()]
    attributes = event.get_attributes()
    holds(event.get_data(), event.get_type())
    known = {attribute.name: attribute for attribute in (*COMMON, *event_type.attributes)}
    missing = {name for name, attribute in known.items() if attribute.required} - set(attributes)
    assert not missing, f"make the event by `runtime.envelope.cloud_event`, which sets {sorted(missing)}"
    unknown = set(attributes) - set(known)
    assert not unknown, f"add {sorted(unknown)} to this type's attributes in installation/event_catalogue.py"
    assert all(value not in ("", None) for value in attributes.values())
    assert attributes["dataschema"] == checked_in(event_type.type)["$id"]
    assert parse_traceparent(attributes["traceparent"])
    assert event.get_time()


def test_every_type_has_an_example_here() -> None:
    """A new type is to be tried, too, whoever emits it."""
    shown = {emit().get_type() for emit in EMITTED.values()}
    assert {*BY_TYPE} - shown == set(), "add an example of this type to EMITTED in tests/pure/test_events.py"


def test_the_catalogue_has_every_type_that_there_is() -> None:
    """Whatever begins with our prefix."""
    ours = {value for value in vars(types).values() if isinstance(value, str) and value.startswith(types.PREFIX)}
    ours -= {types.PREFIX}
    assert ours - {*BY_TYPE} == set(), "add this type to CATALOGUE in installation/event_catalogue.py"
    assert ours - {*types.OURS} == set(), "add this type to OURS in events/types.py"
    assert {*BY_TYPE} | {*types.OURS} == ours, "name this type in events/types.py"


# What a person asks twice is two requests, and a pipeline chooses its own ids.
NOT_REPEATED = {name for name in EMITTED if name.startswith(("a request to ", "a pipeline "))}


@pytest.mark.parametrize("name", sorted({*EMITTED} - NOT_REPEATED))
def test_a_redelivery_repeats_the_id(name: str) -> None:
    """What is emitted because of an event has an id that follows from that event; so has its span."""
    first, again = EMITTED[name]().get_attributes(), EMITTED[name]().get_attributes()
    assert (first["id"], first["traceparent"]) == (again["id"], again["traceparent"]), (
        "give `cloud_event` an `identity` that follows from the event that is answered, or add it to NOT_REPEATED"
    )


def test_another_cause_another_id() -> None:
    """Of a report, of a request, of a sweep's end; and other functions and objects have others."""
    cause = REPORT["cause"] | {"id": "2"}
    elsewhere = REPORT["object"] | {"namespace": "other"}
    reports = [report(), report(cause=cause), report(function="status"), report(object=elsewhere)]
    ids = [report.get_id() for report in (*reports, diverging("1"), diverging("2"), swept("1"), swept("2"))]
    assert len(set(ids)) == len(ids)


def test_each_request_of_people_is_a_new_one() -> None:
    """Who asks twice wants it twice; who asked is in the source."""
    first, second = requests.resync(KEY, by="cli"), requests.resync(KEY, by="cli")
    assert first.get_id() != second.get_id()
    assert requests.replay("x", by="console").get_source() == "/kepler/console"


@pytest.mark.parametrize("one", CATALOGUE, ids=lambda one: one.short)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_model_allows_is_published_and_accepted(one: EventType, data: st.DataObject) -> None:
    """By the schema, and by the same model again after a journey in either mode."""
    content = data.draw(any_of(one.data))
    written = content.model_dump(mode="json", by_alias=True)
    holds(written, one.type)
    attributes = {"id": "1", "type": one.type, "source": "/x", "datacontenttype": "application/json"}
    for structured in (False, True):
        event = received(CloudEvent(dict(attributes), written), structured=structured)
        assert one.data.model_validate(event.data) == content


@pytest.mark.parametrize(
    ("one", "data"),
    [
        (types.RECONCILE_CONVERGED, {"function": "x"}),
        (types.STATUS_CHANGED, REPORT),
        (types.RESYNC_REQUESTED, {"object": {"name": "kepler"}, "diverges": {}}),
        (types.REPLAY_REQUESTED, {}),
        (types.DISCARD_REQUESTED, {}),
        (types.MODEL_TRAINED, {"name": "m", "digest": "abc", "place": "https://x", "metrics": {}}),
    ],
)
def test_what_is_not_published_is_not_accepted(one: str, data: Any) -> None:
    """Schema and model refuse the same."""
    assert not Draft202012Validator(checked_in(one)).is_valid(data)
    with pytest.raises(ValueError, match="validation error"):
        BY_TYPE[one].data.model_validate(data)


def passes(condition: Filter, attributes: dict[str, Any]) -> bool:
    """A filter of a Trigger, as Knative decides (CloudEvents Subscriptions 1.0)."""
    ((how, wanted),) = condition.items()
    if how == "any":
        return any(passes(value, attributes) for value in wanted)
    if how == "all":
        return all(passes(value, attributes) for value in wanted)
    if how == "not":
        return not passes(wanted, attributes)
    if how == "cesql":
        name, _, pattern = wanted.partition(" LIKE ")
        return name in attributes and like(pattern.strip("'")).fullmatch(str(attributes[name])) is not None
    pairs = [(str(attributes.get(name, "")), value) for name, value in wanted.items()]
    return all(message == value if how == "exact" else message.startswith(value) for message, value in pairs)


def like(pattern: str) -> re.Pattern[str]:
    """A pattern of CESQL: `%` is any text, `_` any character, and a backslash takes that from them."""
    meant = {"%": ".*", "_": "."}
    parts = re.findall(r"\\[%_]|.", pattern)
    return re.compile("".join(meant.get(part) or re.escape(part[-1]) for part in parts))


def test_a_request_for_a_name_that_is_like_a_functions_wakes_nobody() -> None:
    """In a pattern `_` is any character, unless it is escaped (cloudevents/sdk-go, `sql/v2/expression`)."""
    for function in FUNCTIONS:
        for named in (function.name.replace("_", "x"), function.name.replace("_", "/")):
            if named != function.name:
                key = Ref(function.parent, KEY.namespace if function.parent.namespaced else "", KEY.name)
                attributes = {**about(key), "type": types.RESYNC_REQUESTED, "functions": f"/{named}/"}
                assert not all(passes(entry, attributes) for entry in wiring.waking(function)), named


@pytest.mark.parametrize("emit", EMITTED.values(), ids=EMITTED)
def test_the_triggers_let_through_what_the_catalogue_says(emit: Callable[[], CloudEvent]) -> None:
    """Each event reaches those who are said to accept it, as far as they are concerned, and nobody else."""
    attributes = emit().get_attributes()
    triggers = {listener.name: list(listener.filters) for listener in LISTENERS if listener.filters}
    triggers |= {function.name: list(wiring.waking(function)) for function in FUNCTIONS}
    through = {name for name, filters in triggers.items() if all(passes(entry, attributes) for entry in filters)}
    accepting = set(BY_TYPE[attributes["type"]].accepted_by)
    woken = {
        function.name
        for function in FUNCTIONS
        if any(wake.kind.name == attributes.get("kind") for wake in function.wakes)
    }
    named = str(attributes.get("functions", "")).strip("/")
    concerned = woken & {*named.split("/")} if named else woken
    expected = {name for name in accepting if name not in RECONCILERS or name in concerned}
    assert through - expected == set(), "a Trigger lets this through: add who gets it to `accepted_by` in the catalogue"
    assert expected - through == set(), "no Trigger lets this through: add the type to a filter, or see `accepted_by`"


def test_the_catalogue_speaks_of_functions_that_there_are() -> None:
    """Of all reconcilers, of those that own `Ready`, and of listeners by their names."""
    assert set(RECONCILERS) == {function.name for function in FUNCTIONS}
    assert set(READINESS) == {
        function.name for function in FUNCTIONS if "Ready" in (function.condition, *function.summaries)
    }
    named = {
        who for event_type in CATALOGUE for who in (*event_type.emitted_by, *event_type.accepted_by) if " " not in who
    }
    assert named <= set(NAMES)


def test_a_request_to_look_again_wakes_every_function_of_the_object() -> None:
    """It names the object; nobody takes it for an echo."""

    def unreachable(request: Request) -> ApiResponse:
        raise AssertionError(request)

    event = received(requests.resync(KEY, by="cli"))
    for function in FUNCTIONS:
        if function.parent == KEPLER:
            assert not naming_error(function, event)
            assert not nothing_to_do(function, event)
            assert parents(function, event, Client(unreachable, manager="x")) == (KEY,)


def test_a_request_to_send_again_names_the_letter() -> None:
    """`dead_letter` looks for the ConfigMap of that name, where the functions are."""
    asked: list[str] = []

    def absent(request: Request) -> ApiResponse:
        asked.append(request.path)
        return ApiResponse(404, {})

    store = DeadLetterStore(absent, lambda _: None, "kepler-operator", Keyring(absent, "kepler-operator"))
    store.replay(received(requests.replay("dead-letter-1", by="console")).data["letter"], Client(absent, manager="x"))
    assert asked == ["/api/v1/namespaces/kepler-operator/configmaps/dead-letter-1"]


def test_a_resync_says_what_diverges() -> None:
    """By function; a request of people says nothing of that."""
    assert Resync.model_validate(diverging().get_data()).diverges == {"collector": ("Service 'x' is missing",)}
    assert Resync.model_validate(requests.resync(KEY, by="cli").get_data()).diverges == {}


def test_attributes_of_events_about_objects_are_the_same_everywhere() -> None:
    """One filter takes all of them."""
    wrong = [event.short for event in CATALOGUE if event.attributes and event.attributes[: len(OBJECT)] != OBJECT]
    assert not wrong, f"{wrong}: an event is about an object, and begins with OBJECT, or has no attributes"
