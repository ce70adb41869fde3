"""Reports: what they say of the event that led to them, and what they keep to themselves."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event
from hypothesis import given
from hypothesis import strategies as st

from audit.storage.entries import parsed
from audit.storage.entries import report as entry_of
from events.outcome_words import Word
from events.report import Cause, ObjectName, Report, StatusChange
from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE, RESYNC_REQUESTED, STATUS_CHANGED
from functions import collector
from runtime.differences import FieldChange
from runtime.event import Event
from runtime.objects import CONFIG_MAP, DAEMON_SET, KEPLER, SERVICE, Kind, Ref
from runtime.outcome import Outcome
from runtime.reconciled import AcceptedWrite, Reconciled
from runtime.reports import cause, emitted, report
from runtime.spans import ReconcileTiming
from runtime.tracing import trace_of
from tests.workbench import received, resync, update

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
COURSE = ReconcileTiming(BEGAN, 12.345)
KEY = Ref(KEPLER, "energy", "kepler")


def shown(*entries: dict[str, Any], kind: Kind = KEPLER, **meta: Any) -> dict[str, Any]:
    """An object with these entries in `managedFields`."""
    known = {"name": "kepler", "namespace": "energy", "uid": "u", "resourceVersion": "7", "generation": 3, **meta}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {**known, "managedFields": [*entries]}}


def entry(manager: str, time: str, **more: str) -> dict[str, str]:
    """One entry of `managedFields`."""
    return {"manager": manager, "operation": "Apply", "time": time, **more}


def sent(time: str, event: Event) -> Event:
    """The event with a `time`."""
    return replace(event, extensions={"time": time})


def test_the_cause_tells_who_changed_what_and_when() -> None:
    """The object that the event is about, its generation, its latest writer, and when the event was sent."""
    event = update(shown(entry("kubectl", "2026-01-31T11:59:58Z"), entry("kepler-status", "2026-01-31T11:59:40Z")))
    sent_report = cause(sent("2026-01-31T11:59:59.5Z", event))
    assert sent_report.object == ObjectName(
        api_version=KEPLER.api_version, kind="Kepler", namespace="energy", name="kepler"
    )
    assert (sent_report.generation, sent_report.by) == (3, "kubectl")
    assert sent_report.changed == datetime(2026, 1, 31, 11, 59, 58, tzinfo=UTC)
    assert sent_report.sent == datetime(2026, 1, 31, 11, 59, 59, 500_000, tzinfo=UTC)


def test_a_write_of_a_status_is_a_change_like_any_other() -> None:
    """A DaemonSet's progress is why `status` looks: the newest entry counts, whichever it is."""
    event = update(
        shown(
            entry("kepler-collector", "2026-01-31T11:00:00Z"),
            entry("kube-controller-manager", "2026-01-31T11:00:09Z", operation="Update", subresource="status"),
            kind=DAEMON_SET,
        )
    )
    assert cause(event).by == "kube-controller-manager"


def test_of_the_same_second_the_last_entry_counts() -> None:
    """Applies are sorted before updates, and the update of a controller follows on an apply."""
    same = "2026-01-31T11:00:00Z"
    assert cause(update(shown(entry("a", same), entry("b", same)))).by == "b"


def test_a_status_that_answers_a_change_of_the_same_second_is_not_its_author() -> None:
    """A controller observes somebody's change at once; the change is what the event is about."""
    same = "2026-01-31T11:00:00Z"
    status = entry("kube-controller-manager", same, operation="Update", subresource="status")
    assert cause(update(shown(entry("gitops", same), status, kind=DAEMON_SET))).by == "gitops"
    odd = {**status, "manager": ["kubelet"]}
    assert cause(update(shown(entry("gitops", "2026-01-31T10:00:00Z"), odd, kind=DAEMON_SET))).by == "['kubelet']"


def test_a_deletion_tells_of_the_object_as_it_was() -> None:
    """Its last state is in the event."""
    assert cause(update(shown(entry("kubectl", "2026-01-31T11:00:00Z")), RESOURCE_DELETE)).by == "kubectl"


def test_a_request_shows_no_object() -> None:
    """Only its name."""
    sent_report = cause(resync("energy", "kepler"))
    assert (sent_report.by, sent_report.changed, sent_report.generation, sent_report.sent) == ("", None, 0, None)
    assert sent_report.object is not None
    assert sent_report.object.name == "kepler"


@pytest.mark.parametrize("time", ["", "yesterday", "2026-01-31T11:00:00", "0"])
def test_a_time_that_is_none_is_left_out(time: str) -> None:
    """Also one without a time zone."""
    assert cause(sent(time, resync("energy", "kepler"))).sent is None


@pytest.mark.parametrize(("header", "kept"), [("00-" + "a" * 32 + "-" + "b" * 16 + "-01", True), ("00-0-0-00", False)])
def test_a_traceparent_is_kept_if_it_is_one(header: str, kept: bool) -> None:  # noqa: FBT001
    """As the W3C has it."""
    assert cause(replace(resync("energy", "kepler"), traceparent=header)).traceparent == (header if kept else "")


KUBECTL = entry("kubectl-patch", "2026-01-31T11:00:00Z")
OTHER = entry("kepler-estimator", "2026-01-31T11:00:05Z")
FORGED = update(shown(entry("admin", "2026-01-31T11:00:09Z"), kind=DAEMON_SET))


def read(*entries: dict[str, str], version: str = "7", **meta: Any) -> dict[str, Any]:
    """The DaemonSet as the function read it."""
    return shown(*entries, kind=DAEMON_SET, **{"resourceVersion": version, **meta})


@dataclass(frozen=True)
class Author:
    """What the function read, in order, and who is named for the change of the DaemonSet in version 7."""

    does: str
    seen: tuple[dict[str, Any], ...]
    by: str


AUTHORS = (
    Author("the version that the event shows", (read(KUBECTL),), "kubectl-patch"),
    Author("a later version", (read(OTHER, version="10"),), "kepler-estimator"),
    Author("the version before the write", (read(KUBECTL), read(OTHER, version="8")), "kubectl-patch"),
    Author("another object only", (shown(OTHER), read(OTHER, name="other")), "admin"),
    Author("nothing", (), "admin"),
    Author("an older version", (read(KUBECTL, version="6"),), ""),
    Author("another object of this name", (read(KUBECTL, uid="v", version="9"),), ""),
)


@pytest.mark.parametrize("case", AUTHORS, ids=lambda case: case.does)
def test_the_object_that_was_read_tells_who_changed_it(case: Author) -> None:
    """Anybody can send an event; what it shows counts only if the function did not read the object."""
    assert cause(FORGED, case.seen).by == case.by


def test_a_report_names_who_changed_the_object_that_was_read() -> None:
    """The protocol keeps what it read."""
    reconciled = replace(done(), seen=[read(KUBECTL)])
    sent_report = told(reconciled, FORGED)
    assert (sent_report.cause.by, sent_report.cause.changed) == ("kubectl-patch", datetime(2026, 1, 31, 11, tzinfo=UTC))


def test_a_request_has_no_author_although_its_object_was_read() -> None:
    """Who asks for a look has changed nothing."""
    assert cause(resync("energy", "kepler"), [shown(KUBECTL)]).by == ""


junk = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["time", "manager", "x"]), inner),
    max_leaves=5,
)


@given(metadata=junk | st.fixed_dictionaries({"managedFields": junk, "generation": junk}))
def test_a_forged_object_is_no_defect(metadata: Any) -> None:
    """It says nothing."""
    event = replace(resync("energy", "kepler"), type=RESOURCE_ADD, object={"metadata": metadata})
    assert isinstance(cause(event), Cause)
    assert cause(event, [shown(KUBECTL)]).by in ("kubectl-patch", "")


def done(*changes: AcceptedWrite, message: str = "done", **spec: Any) -> Reconciled:
    """A reconcile of a Kepler with this spec that made these changes."""
    outcome = Outcome(Word.REJECTED, "Invalid", message)
    return Reconciled(KEY, outcome, {**shown(), "spec": spec}, list(changes), rounds=1)


def told(done_before: Reconciled, event: Event | None = None) -> Report:
    """The report on it."""
    assert done_before.parent is not None
    sent_report = report(
        collector.FUNCTION, done_before, event or resync("energy", "kepler"), trace_of(done_before.parent), COURSE
    )
    assert sent_report is not None
    return sent_report


def test_a_report_says_in_which_trace_and_when() -> None:
    """The trace of the object's generation; the time of the event is the reconcile's end."""
    reconciled = done()
    sent_report = told(reconciled)
    assert reconciled.parent is not None
    assert sent_report.trace == str(trace_of(reconciled.parent))
    assert (sent_report.began, sent_report.milliseconds) == (BEGAN, 12.35)
    event = emitted(sent_report)
    assert event.get_attributes()["traceparent"].split("-")[1] == sent_report.trace
    assert event.get_time() == datetime(2026, 1, 31, 12, 0, 0, 12_350, tzinfo=UTC)


def test_a_redelivery_that_says_something_else_is_another_report() -> None:
    """If one of several functions fails, the event is delivered again, and another one may report something else."""
    first, second = (emitted(told(done(message=message))).get_attributes() for message in ("waits", "is ready"))
    assert first["id"] != second["id"]
    assert first["traceparent"] != second["traceparent"]
    again = emitted(told(done(message="waits"))).get_attributes()
    assert (again["id"], again["traceparent"]) == (first["id"], first["traceparent"])


def test_ready_that_moves_is_told_as_such() -> None:
    """From which reason to which."""
    moved = FieldChange("status.conditions[type=Ready].reason", "Reconciling", "Ready")
    sent_report = told(done(AcceptedWrite(KEY, "reported", (moved,))))
    assert isinstance(sent_report, StatusChange)
    assert (sent_report.ready_from, sent_report.ready_to) == ("Reconciling", "Ready")


secrets = st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=8, max_size=20).map(
    lambda text: f"s3{text}"
)
WHERE = (
    (DAEMON_SET, "spec.template.spec.containers[name=kepler].env[name=X].value", lambda secret: secret),
    (
        DAEMON_SET,
        "spec.template.spec.containers[name=kepler].env[name=X]",
        lambda secret: {"name": "X", "value": secret},
    ),
    (
        DAEMON_SET,
        "spec.template",
        lambda secret: {"spec": {"containers": [{"name": "kepler", "env": [{"name": "X", "value": secret}]}]}},
    ),
    (CONFIG_MAP, "data.INITIAL_PIPELINE_URL", lambda secret: f"http://me:{secret}@host/x.zip"),
    (CONFIG_MAP, "data.MODEL_CONFIG", lambda secret: f"A_INIT_URL=https://me:{secret}@host/x\nB=c"),
    (CONFIG_MAP, "data.PROM_HEADERS", lambda secret: f"Authorization:{secret}"),
    (CONFIG_MAP, "data", lambda secret: {"password": secret, "deep": {"api-key": [secret]}}),
    (SERVICE, "metadata.annotations.last-applied-configuration", lambda secret: json.dumps({"any": secret})),
    (Kind("v1", "Secret", "secrets"), "data.x", lambda secret: secret),
    (Kind("v1", "Secret", "secrets"), "stringData", lambda secret: {"x": secret}),
)
SAID = (
    "`collector.env` '{}' is not known",
    'DaemonSet.apps "x" is invalid: spec.template.spec.containers[0].env[0].value: Invalid value: "{}": too long',
    "cannot fetch http://me:{}@host/x",
    "it is {} all along",
)


@given(before=secrets, after=secrets, where=st.sampled_from(WHERE), sentence=st.sampled_from(SAID))
def test_no_secret_survives_in_what_is_emitted(before: str, after: str, where: Any, sentence: str) -> None:
    """Wherever it is planted: in what was written, in what is said of it, in what was said before."""
    kind, path, holding = where
    env = [{"name": "X", "value": before}, {"name": "Y", "value": after}]
    writes = (
        AcceptedWrite(Ref(kind, "energy", "x"), "changed", (FieldChange(path, holding(before), holding(after)),)),
        AcceptedWrite(Ref(kind, "energy", "x"), "created", (FieldChange(path, None, holding(after)),)),
        AcceptedWrite(
            KEY,
            "reported",
            (FieldChange("status.conditions[type=C].message", sentence.format(before), sentence.format(after)),),
        ),
    )
    report_ = told(done(*writes, message=sentence.format(before), collector={"env": env}))
    message = to_binary_event(emitted(report_))
    whole = str(dict(message.headers)) + json.dumps(json.loads(message.body), ensure_ascii=False)
    assert before not in whole
    assert after not in whole
    if before != after:
        (field,) = report_.changes[0].fields
        assert field.before != field.after


def test_names_of_secrets_are_told() -> None:
    """They are no secrets, and whoever looks for what is wrong needs them."""
    credentials = {"secretKeyRef": {"name": "kepler-s3", "key": "accessSecret"}}
    change = FieldChange("spec.template.spec.containers[name=rclone].env[name=K].valueFrom", None, credentials)
    sent_report = told(done(AcceptedWrite(Ref(DAEMON_SET, "energy", "x"), "created", (change,))))
    assert sent_report.changes[0].fields[0].after == credentials


ODD = "a\x00\x1b[2J\x9b\u202e\u2028\ud800b"
ESCAPED = "a\\x00\\x1b[2J\\x9b\\u202e\\u2028\\ud800b"


def test_control_characters_are_escaped() -> None:
    """In sentences, reasons, paths and names; a value is as it was, but for what no event can carry."""
    moved = FieldChange("status.conditions[type=Ready].reason", ODD, ODD)
    changed = AcceptedWrite(Ref(CONFIG_MAP, "energy", ODD), "changed", (FieldChange(ODD, {ODD: [ODD]}, ODD),))
    outcome = Outcome(Word.REJECTED, ODD, f"{ODD}\n\té")
    reconciled = replace(done(changed, AcceptedWrite(KEY, "reported", (moved,))), outcome=outcome)
    sent_report = told(reconciled, replace(resync("energy", "kepler"), id=ODD, subject=ODD))
    assert isinstance(sent_report, StatusChange)
    condition, write = sent_report.conditions[0], sent_report.changes[0]
    assert (condition.reason, condition.message) == (ESCAPED, f"{ESCAPED}\n\té")
    assert (sent_report.ready_from, sent_report.ready_to) == (ESCAPED, ESCAPED)
    assert (write.object.name, write.fields[0].path) == (ESCAPED, ESCAPED)
    assert (sent_report.cause.id, sent_report.cause.subject) == (ESCAPED, ESCAPED)
    value = ODD.replace("\ud800", "\\ud800")
    assert (write.fields[0].before, write.fields[0].after) == ({value: [value]}, value)


any_text = st.text(st.characters(exclude_categories=[]), max_size=40)
texts = any_text | st.just(ODD) | st.text(max_size=2).map(lambda text: text * 500)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
fields = st.builds(FieldChange, texts | st.just("status.conditions[type=Ready].reason"), values, values)
writes = st.builds(
    AcceptedWrite,
    st.builds(Ref, st.just(CONFIG_MAP), texts, texts) | st.just(KEY),
    st.sampled_from(["created", "changed", "reported"]),
    st.lists(fields, max_size=3).map(tuple),
)
events = st.builds(
    lambda text, manager: replace(
        update(shown(entry(manager, "2026-01-31T11:00:00Z"))), id=text, subject=text, source=text, namespace=text
    ),
    texts,
    texts,
)


@given(message=texts, reason=texts, uid=texts, changes=st.lists(writes, max_size=3), event=events)
def test_a_report_is_kept_whatever_the_api_server_says(
    message: str, reason: str, uid: str, changes: list[AcceptedWrite], event: Event
) -> None:
    """In messages, reasons, values, names and paths, on its way through the Broker."""
    outcome = Outcome(Word.REJECTED, reason, message)
    parent = shown(uid=uid)
    reconciled = Reconciled(KEY, outcome, parent, changes, [parent], rounds=1)
    carried = received(emitted(told(reconciled, event)))
    model = StatusChange if carried.type == STATUS_CHANGED else Report
    kept = entry_of(carried, model.model_validate(carried.data))
    assert parsed(kept.report).function == kept.parsed.function


@pytest.mark.parametrize("kind", [RESOURCE_ADD, RESOURCE_UPDATE, RESOURCE_DELETE, RESYNC_REQUESTED])
def test_the_cause_names_the_type_of_event(kind: str) -> None:
    """Whatever woke the function."""
    assert told(done(), update(shown(), kind)).cause.type == kind
