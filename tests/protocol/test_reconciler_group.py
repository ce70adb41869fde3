"""All functions behind one path: they end as functions in processes of their own do, and each has its report."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from events.types import RESOURCE_ADD
from functions.function_catalogue import FUNCTIONS
from installation import compact, wiring
from local.stack import Stack
from runtime.client import ApiResponse, Request, Transport
from runtime.deadlines import RECONCILE
from runtime.errors import ApiError
from runtime.event import Event, decode
from runtime.receive import Received, Reconciler
from runtime.reconciler_group import ReconcilerGroup
from runtime.workers import SIDE_BY_SIDE
from tests.masks import masked
from tests.workbench import Workbench, create_namespace, kepler, resync, transport, update

KINDS = ("daemonset/kepler-exporter", "service/kepler-exporter", "serviceaccount/kepler", "configmap/kepler-cfm")


@pytest.fixture(autouse=True, scope="session")
def _account(control_plane: Stack) -> None:
    """The ServiceAccount of all functions, with their Roles, beside those of the functions."""
    bindings = [
        {
            **binding,
            "metadata": {**binding["metadata"], "name": f"{binding['metadata']['name']}-compact"},
            "subjects": [{**binding["subjects"][0], "name": compact.ACCOUNT}],
        }
        for function in FUNCTIONS
        for binding in wiring.function(function)
        if binding["kind"] in compact.BINDINGS
    ]
    accounts = [manifest for manifest in compact.objects() if manifest["kind"] == "ServiceAccount"]
    control_plane.kubectl.apply([*accounts, *bindings])


class Compact:
    """A group of all functions, and what it has sent to the Broker; `send`, if given, is its way to the API server.

    One turn takes at most `seconds`, and one request with its retries `patience`, if that is given.
    """

    def __init__(
        self,
        workbench: Workbench,
        send: Transport | None = None,
        seconds: float = RECONCILE,
        patience: float | None = None,
    ) -> None:
        self.workbench = workbench
        self.sent: list[CloudEvent] = []
        self.requests: list[Request] = []
        through = send or transport(workbench.stack, compact.ACCOUNT)

        def counted(request: Request) -> ApiResponse:
            self.requests.append(request)
            return through(request)

        reconcilers = [Reconciler(function, counted, seconds=seconds, patience=patience) for function in FUNCTIONS]
        self.group = ReconcilerGroup(reconcilers, self.sent.append, executor=ThreadPoolExecutor(SIDE_BY_SIDE))

    def deliver(self, event: Event) -> Received:
        """One event, as the Trigger delivers it."""
        return self.group(event)

    def received(self) -> list[Event]:
        """What the Broker has got, as it arrives at a function."""
        return [decode(message.headers, message.body) for message in map(to_binary_event, self.sent)]

    def settle(self) -> list[str]:
        """Ask for a reconcile until nothing is written; who has reported."""
        reported: list[str] = []
        for _ in range(10):
            self.sent.clear()
            received = self.deliver(resync(self.workbench.namespace, "kepler"))
            if not received.reports:
                return reported
            reported += [report.function for report in received.reports]
        raise AssertionError(f"no rest: {reported}")


def state(workbench: Workbench) -> dict[str, Any]:
    """Children and conditions, with nothing in them that differs from run to run."""
    objects = {child: workbench.get(child) for child in KINDS}
    objects["conditions"] = workbench.conditions()
    return {name: masked(manifest, workbench.namespace) for name, manifest in objects.items()}


@pytest.fixture
def apart(workbench: Workbench) -> Workbench:
    """Another namespace, where each function is a process of its own."""
    create_namespace(workbench.stack, f"{workbench.namespace}-apart")
    return Workbench(workbench.stack, f"{workbench.namespace}-apart")


def test_a_group_ends_as_functions_of_their_own_do(workbench: Workbench, apart: Workbench) -> None:
    """Created, edited: the same objects, owners and conditions; then rest."""
    group = Compact(workbench)
    for spec in ({}, {"collector": {"port": 9105}, "estimator-sidecar": {"enabled": True}}):
        for bench in (workbench, apart):
            bench.apply({**kepler(), "spec": spec})
        group.settle()
        apart.settle()

        assert state(workbench) == state(apart)
        assert group.settle() == []


def test_one_report_answers_and_the_others_are_sent(workbench: Workbench) -> None:
    """The one with the most changes is the answer; each function that wrote has one, and none has two."""
    workbench.apply(kepler())
    group = Compact(workbench)

    received = group.deliver(resync(workbench.namespace, "kepler"))

    sent = [event.data["function"] for event in group.received()]
    assert received.reply is not None
    assert sorted([*sent, received.reply.function]) == sorted(report.function for report in received.reports)
    assert {"collected_metric", "exported_power", "estimator", "model_server", "status"} <= {
        *sent,
        received.reply.function,
    }
    assert len(received.reply.changes) == max(len(report.changes) for report in received.reports)


def test_an_event_that_one_function_needs_wakes_that_one_alone(workbench: Workbench) -> None:
    """A DaemonSet's progress is for `status`; what nobody needs costs no request."""
    workbench.apply(kepler())
    group = Compact(workbench)
    group.settle()
    group.requests.clear()
    workbench.roll_out()

    received = group.deliver(update(workbench.get("daemonset/kepler-exporter")))
    echo = group.deliver(update(workbench.kepler()))

    assert [report.function for report in received.reports] == ["status"]
    assert not any("configmaps" in request.path for request in group.requests)
    assert (echo.reports, echo.calls) == ((), 0)


def test_a_shared_resource_is_listed_once_for_all_functions(workbench: Workbench) -> None:
    """Which Keplers refer to a KeplerCollectedMetric is one list, whoever asks."""
    workbench.apply(kepler(collected_metric="mine"))
    metrics = {**kepler("mine", sources={"irq": {"enabled": False}}), "kind": "KeplerCollectedMetric"}
    workbench.apply(metrics)
    group = Compact(workbench)

    received = group.deliver(update(workbench.get("keplercollectedmetrics.sustainable-computing.io/mine")))

    lists = [request for request in group.requests if request.path.endswith("/keplers")]
    assert len(lists) == 1
    assert {"collected_metric", "exported_power", "estimator"} <= {report.function for report in received.reports}


def test_of_several_objects_each_gets_one_request_for_all_functions(workbench: Workbench) -> None:
    """An event about what two Keplers refer to becomes two requests, each naming the functions that it is for."""
    workbench.apply(kepler("first", collected_metric="mine"), kepler("second", collected_metric="mine"))
    workbench.apply({**kepler("mine", sources={}), "kind": "KeplerCollectedMetric"})
    group = Compact(workbench)

    received = group.deliver(update(workbench.get("keplercollectedmetrics.sustainable-computing.io/mine")))

    requested = group.received()
    assert received.reports == ()
    assert sorted(event.name for event in requested) == ["first", "second"]
    assert all(event.is_for("estimator") and not event.is_for("machine_config") for event in requested)


def test_a_function_that_fails_keeps_no_other_from_its_end(workbench: Workbench) -> None:
    """The others' reports are sent, the event is delivered again, and then only the one has something to do."""
    send = transport(workbench.stack, compact.ACCOUNT)
    away = [True]

    def failing(request: Request) -> ApiResponse:
        refused = away[0] and "kepler-machine-spec" in (
            request.path.rpartition("/")[2],
            request.query.get("fieldManager"),
        )
        return ApiResponse(403, {"message": "may not"}) if refused else send(request)

    workbench.apply(kepler())
    group = Compact(workbench, failing)
    event = resync(workbench.namespace, "kepler")
    with pytest.raises(ApiError, match="may not"):
        group.deliver(event)

    reported = [event.data["function"] for event in group.received()]
    assert {"collected_metric", "exported_power", "estimator", "model_server", "collector"} <= {*reported}
    assert "machine_spec" not in reported

    away[0] = False
    assert [report.function for report in group.deliver(event).reports] == ["machine_spec"]
    group.settle()
    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"


def test_one_event_leads_from_a_new_kepler_to_its_exporter(workbench: Workbench) -> None:
    """Functions that wait for others decide in the same turn; the events of what it wrote cost no request."""
    workbench.apply(kepler())
    group = Compact(workbench)

    received = group.deliver(update(workbench.kepler(), RESOURCE_ADD))

    assert {report.function for report in received.reports} >= {"collector", "status"}
    assert workbench.get("daemonset/kepler-exporter")
    group.requests.clear()
    for written in (*KINDS, "keplers.sustainable-computing.io/kepler"):
        group.deliver(update(workbench.get(written)))
    assert [request.path for request in group.requests] == []


def test_the_summary_is_decided_once_the_others_have_nothing_more_to_decide(workbench: Workbench) -> None:
    """A new Kepler's `Ready` is written once, after the exporter's objects, not again for each function on the way."""
    workbench.apply(kepler())
    group = Compact(workbench)

    group.deliver(update(workbench.kepler(), RESOURCE_ADD))

    writers = [request.query["fieldManager"] for request in group.requests if request.method == "PATCH"]
    assert writers.count("kepler-status") == 1
    assert writers.index("kepler-status") > writers.index("kepler-collector")
    assert workbench.conditions()["Ready"]["reason"] == "RolloutInProgress"


def test_the_summary_of_functions_that_fail_is_written(workbench: Workbench) -> None:
    """`status` waits for functions that decide again, not for one that cannot.

    As installed, one request with its retries has a part of the time, so that functions after it have some left.
    """
    send = transport(workbench.stack, compact.ACCOUNT)

    def failing(request: Request) -> ApiResponse:
        is_collector = request.query.get("fieldManager") == "kepler-collector"
        return ApiResponse(500, {"message": "broken"}) if is_collector else send(request)

    workbench.apply(kepler())
    group = Compact(workbench, failing, seconds=5.0, patience=1.0)
    with suppress(ApiError):
        group.deliver(resync(workbench.namespace, "kepler"))

    assert workbench.conditions()["Ready"]["status"] == "Unknown"


def test_writes_are_tried_side_by_side(workbench: Workbench) -> None:
    """A dry run begins before the last one has ended: their order does not matter."""
    send, tried = transport(workbench.stack, compact.ACCOUNT), threading.Barrier(2)

    def meeting(request: Request) -> ApiResponse:
        if request.query.get("dryRun") and request.path.endswith("/kepler-exporter"):
            tried.wait(10.0)
        return send(request)

    workbench.apply(kepler())
    Compact(workbench, meeting).deliver(update(workbench.kepler(), RESOURCE_ADD))

    assert not tried.broken
    assert workbench.get("daemonset/kepler-exporter")


def test_objects_are_read_once_for_all_functions(workbench: Workbench) -> None:
    """Who has nothing to write has nothing to confirm: one read of each object, however many functions need it."""
    workbench.apply(kepler())
    group = Compact(workbench)
    group.settle()
    group.requests.clear()

    group.deliver(resync(workbench.namespace, "kepler"))

    read = [request.path for request in group.requests]
    assert sorted(read) == sorted({*read})
    assert {request.method for request in group.requests} == {"GET"}


def test_a_slow_api_server_is_read_side_by_side_so_each_delivery_gets_further(workbench: Workbench) -> None:
    """One after the other, the reads of one pass alone would take longer than a turn may, at each delivery."""
    send, delay, seconds = transport(workbench.stack, compact.ACCOUNT), 0.25, 4.0

    def slow(request: Request) -> ApiResponse:
        time.sleep(delay)
        return send(request)

    workbench.apply(kepler())
    group = Compact(workbench, slow, seconds)
    event, failed = resync(workbench.namespace, "kepler"), 0
    while not workbench.conditions().get("CollectorReconciled"):
        with suppress(ApiError):
            group.deliver(event)
        failed += 1
        assert failed < 15
    reads = [request for request in group.requests if request.method == "GET"]
    assert len(reads) * delay > seconds


def test_another_process_of_one_function_does_not_lose_its_decision_to_the_group(workbench: Workbench) -> None:
    """Before the group writes `kepler-cfm`, a process of `estimator` has decided there from a newer Kepler."""
    workbench.apply(kepler())
    send, event = transport(workbench.stack, compact.ACCOUNT), resync(workbench.namespace, "kepler")
    overtaken: list[Request] = []

    def overtake(request: Request) -> ApiResponse:
        if request.query.get("fieldManager") == "kepler-collected-metric" and not overtaken:
            overtaken.append(request)
            workbench.apply({**kepler(), "spec": {"estimator-sidecar": {"enabled": True}}})
            workbench.resync("estimator")
        return send(request)

    Compact(workbench, overtake).deliver(event)

    assert overtaken
    assert workbench.get("configmap/kepler-cfm")["data"]["MODEL_CONFIG"].count("ESTIMATOR=true")
