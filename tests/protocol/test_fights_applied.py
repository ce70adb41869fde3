"""A fight over a field of a real DaemonSet, and the query API about it and about fields that others own."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.access.open_access import local_viewer
from audit.answer_models import API, Fight, Interference
from audit.answers import fights
from audit.answers.fights import LEAST
from audit.answers.live import Live
from audit.answers.query_api import QueryApi
from audit.answers.selection import ObjectSelection
from audit.storage import entries
from audit.storage.entries import ReportEntry
from audit.storage.store import Store
from functions.function_catalogue import FUNCTIONS
from runtime import reports
from runtime.client import ApiResponse, Transport
from runtime.edge import application
from runtime.settings import NAMESPACE
from tests.audit_serving import reader, serving
from tests.workbench import Workbench, kepler, received, transport, update

POD = "spec.template.spec"
FORBIDDEN = ApiResponse(403, {"reason": "Forbidden", "message": "no"})


# What a GitOps tool writes, and whether it owns a field then: who removes one leaves no trace.
WRITES = [
    ({"spec": {"template": {"spec": {"serviceAccountName": "default"}}}}, f"{POD}.serviceAccountName", ("gitops",)),
    ({"spec": {"template": {"spec": {"hostPID": False}}}}, f"{POD}.hostPID", ()),
]


@pytest.mark.parametrize(("body", "path", "others"), WRITES, ids=["a value", "a removal"])
def test_a_fight_over_a_real_field_is_told(
    workbench: Workbench, store: Store, body: Any, path: str, others: tuple[str, ...]
) -> None:
    """Each change is put back on the real API server, and the third time it is a fight."""
    workbench.apply(kepler())
    workbench.settle()
    patch = ("-n", workbench.namespace, "patch", "daemonset/kepler-exporter", "-p", json.dumps(body))
    for _ in range(LEAST):
        assert fights_of(workbench, store) == ()
        workbench.stack.kubectl(*patch, "--field-manager=gitops")
        done = workbench.wake("collector", update(workbench.get("daemonset/kepler-exporter")))
        assert [report.changes[0].object.kind for report in done.reports] == ["DaemonSet"]
        store.commit([kept(report) for report in done.reports])
    by_path = {fight.path: fight for fight in fights_of(workbench, store)}
    assert (by_path[path].object.kind, by_path[path].count) == ("DaemonSet", LEAST)
    assert (by_path[path].function, by_path[path].others) == ("collector", others)


EDITS = [
    ("/spec/template/spec/hostPID", {"op": "replace", "value": False}, ""),
    ("/spec/template/spec/serviceAccountName", {"op": "replace", "value": "default"}, "kubectl-patch"),
    ("/spec/template/spec/hostPID", {"op": "remove"}, ""),
]


@pytest.mark.parametrize(("pointer", "operation", "by"), EDITS)
def test_whoever_leaves_no_owner_is_not_mistaken_for_the_writer_of_the_status(
    workbench: Workbench, pointer: str, operation: dict[str, Any], by: str
) -> None:
    """The DaemonSet's controller writes its status after the edit, and before the function reads."""
    workbench.apply(kepler())
    workbench.settle()
    edit = json.dumps([{"path": pointer, **operation}])
    workbench.stack.kubectl(
        "-n", workbench.namespace, "patch", "daemonset/kepler-exporter", "--type", "json", "-p", edit
    )
    event = update(workbench.get("daemonset/kepler-exporter"))
    workbench.roll_out(desired=1, current=1, available=0)
    done = workbench.wake("collector", event)
    [report] = done.reports
    assert report.changes[0].fields[0].path == pointer[1:].replace("/", ".")
    assert report.cause.by == by


def fights_of(workbench: Workbench, store: Store) -> tuple[Fight, ...]:
    """The fights over this Kepler's children."""
    wanted = ObjectSelection(kind="Kepler", namespace=workbench.namespace, name="kepler")
    ours = frozenset(function.manager for function in FUNCTIONS)
    with store.database.reading() as connection:
        recent = fights.recent(connection, wanted, datetime.now(UTC), ours)
    return fights.fights(recent, ours)


def kept(report: Any) -> ReportEntry:
    """A report as `audit` keeps it."""
    return entries.report(received(reports.emitted(report)), report)


def asked(workbench: Workbench, store: Store, send: Transport, **selected: str) -> Any:
    """What the query API answers, by this way to the API server."""
    api = QueryApi(store.database, Live(lambda: send, NAMESPACE), reader(send), local_viewer, lambda: lambda _: None)
    client = application({"audit": serving(store, api)}).test_client()
    wanted = {"kind": "Kepler", "namespace": workbench.namespace, "name": "kepler", **selected}
    return client.get(f"{API}/interference", query_string=wanted)


def test_the_query_api_tells_what_others_own(workbench: Workbench, store: Store) -> None:
    """With the rights of `audit`: each child of the Kepler is read by name."""
    workbench.apply(kepler(model_server={"enabled": True, "storage": {"type": "claim"}}))
    workbench.settle()
    send = transport(workbench.stack, "kepler-audit")
    nothing = Interference.model_validate_json(asked(workbench, store, send).data)
    assert nothing == Interference()

    body = {"spec": {"template": {"spec": {"priorityClassName": "x"}}}}
    namespace = ("-n", workbench.namespace)
    workbench.stack.kubectl(*namespace, "patch", "daemonset/kepler-exporter", "-p", json.dumps(body))
    interference = Interference.model_validate_json(asked(workbench, store, send).data)
    assert [
        (foreign_field.object.name, foreign_field.path, foreign_field.value, foreign_field.by)
        for foreign_field in interference.foreign
    ] == [("kepler-exporter", f"{POD}.priorityClassName", "x", "kubectl-patch")]
    assert interference.unread == ()


def test_children_of_another_kepler_are_not_its_own(workbench: Workbench, store: Store) -> None:
    """Names of children are fixed: a second Kepler of the namespace is told nothing of the first one's."""
    workbench.apply(kepler())
    workbench.settle()
    patch = '{"data":{"MAX_LOOKUP_RETRY":"7"}}'
    workbench.stack.kubectl("-n", workbench.namespace, "patch", "configmap/kepler-cfm", "--type=merge", "-p", patch)
    send = transport(workbench.stack, "kepler-audit")
    assert json.loads(asked(workbench, store, send, name="other").data)["foreign"] == []
    [answer] = json.loads(asked(workbench, store, send).data)["foreign"]
    assert answer["path"] == "data.MAX_LOOKUP_RETRY"


def test_what_may_not_be_read_is_named(workbench: Workbench, store: Store) -> None:
    """An older installation's Role lets `audit` read no children: the rest is answered."""
    answer = json.loads(asked(workbench, store, lambda _: FORBIDDEN).data)
    assert answer["foreign"] == []
    assert "DaemonSet 'kepler-exporter'" in answer["unread"]


def test_the_resource_has_to_be_named(workbench: Workbench, store: Store) -> None:
    """As for its history."""
    assert asked(workbench, store, transport(workbench.stack, "kepler-audit"), name="").status_code == 400
