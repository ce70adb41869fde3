"""The sweep over a real API server, with its own ServiceAccount: what diverges is asked for, and nothing else."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cloudevents.core.v1.event import CloudEvent

from events.types import PING, RESYNC_REQUESTED, SWEEP_FINISHED
from functions.function_catalogue import FUNCTIONS
from local.probe import wait_until
from local.stack import Stack
from runtime.client import ApiResponse, Request, Transport
from runtime.errors import ApiError
from runtime.event import Event
from runtime.settings import NAMESPACE
from runtime.transport import connect
from sweeper import sweep_run as sweep_module
from sweeper.sweep_run import Sweep
from tests.protocol.test_exported_power_applied import power
from tests.workbench import Recorder, Workbench, create_namespace, kepler


class SweepRun:
    """One sweep: what it asked of the API server, and what it sent."""

    def __init__(self, stack: Stack) -> None:
        kubeconfig = stack.kubeconfig_for(NAMESPACE, "kepler-sweep")
        self.asked = Recorder(connect({"KUBECONFIG": str(kubeconfig)}, user_agent="test"))
        self.sent: list[CloudEvent] = []
        Sweep(FUNCTIONS, self.asked, self.sent.append)(ping())

    @property
    def lists(self) -> int:
        """How much was asked for, however many pages it took."""
        return sum("continue" not in request.query for request in self.asked.requests)

    def diverging(self, namespace: str) -> dict[str, Any]:
        """What is said of the Kepler in this namespace, by function; empty where nothing is."""
        divergeses = [
            data(event)["diverges"]
            for event in self.sent
            if event.get_type() == RESYNC_REQUESTED and event.get_attributes().get("namespace") == namespace
        ]
        assert len(divergeses) <= 1
        return divergeses[0] if divergeses else {}


def data(event: CloudEvent) -> Any:
    """What an event says."""
    return event.get_data()


def ping(**attributes: str) -> Event:
    """As mtping sends it."""
    return Event("1", PING, "/pingsources/kepler-sweep", "", "", "", "", "", {}, {}, extensions=attributes)


def test_nothing_is_asked_of_what_converged(control_plane: Stack, workbench: Workbench) -> None:
    """A bare Kepler and one with everything on: the sweep finds what the functions would find."""
    on = {"enabled": True}
    workbench.apply(power("mine"), kepler(exported_power="mine", estimator_sidecar=on, model_server=on))
    workbench.settle()

    assert SweepRun(control_plane).diverging(workbench.namespace) == {}


@pytest.mark.parametrize(
    ("what", "function", "told"),
    [
        ("daemonset/kepler-exporter", "collector", "DaemonSet 'kepler-exporter' is missing"),
        ("service/kepler-exporter", "collector", "Service 'kepler-exporter' is missing"),
        ("configmap/kepler-cfm", "exported_power", "ConfigMap 'kepler-cfm' is missing"),
    ],
)
def test_what_is_missing_is_asked_for(
    control_plane: Stack, workbench: Workbench, what: str, function: str, told: str
) -> None:
    """A deletion that nobody heard of."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.delete(what)

    diverging = SweepRun(control_plane).diverging(workbench.namespace)

    assert told in diverging[function]


def test_what_differs_is_asked_for(control_plane: Stack, workbench: Workbench) -> None:
    """An edit by hand that nobody heard of: of a child, of a key."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("service/kepler-exporter", {"spec": {"selector": {"app.kubernetes.io/name": "other"}}})
    workbench.patch("configmap/kepler-cfm", {"data": {"ENABLE_GPU": "false"}})

    diverging = SweepRun(control_plane).diverging(workbench.namespace)

    assert diverging["collected_metric"] == ["ConfigMap 'kepler-cfm' differs: data.ENABLE_GPU"]
    workbench.resync("collected_metric")
    diverging = SweepRun(control_plane).diverging(workbench.namespace)
    assert diverging == {
        "collector": ["Service 'kepler-exporter' differs: spec.selector.app.kubernetes.io/name"],
    }


def test_what_lags_behind_is_asked_for(control_plane: Stack, workbench: Workbench) -> None:
    """A new Kepler, an edited one, and one whose KeplerExportedPower was edited."""
    workbench.apply(power("mine"), kepler(exported_power="mine"))
    first = SweepRun(control_plane).diverging(workbench.namespace)
    workbench.settle()
    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 5}}})
    second = SweepRun(control_plane).diverging(workbench.namespace)
    workbench.settle()
    workbench.apply(power("mine", levels=["node"]))
    third = SweepRun(control_plane).diverging(workbench.namespace)

    assert set(first) >= {"collected_metric", "exported_power", "estimator", "model_server", "status"}
    assert set(second) >= {"collected_metric", "exported_power", "estimator", "model_server", "status"}
    assert set(third) == {"exported_power"}


def test_what_is_too_many_is_asked_for(control_plane: Stack, workbench: Workbench) -> None:
    """A model server that was turned off while nobody heard it."""
    workbench.apply(kepler(model_server={"enabled": True}))
    workbench.settle()
    workbench.patch("kepler/kepler", {"spec": {"model-server": {"enabled": False}}})

    model_server = SweepRun(control_plane).diverging(workbench.namespace)["model_server"]

    assert "Deployment 'kepler-model-server' should not be there" in model_server
    assert "Service 'kepler-model-server' should not be there" in model_server


def test_what_a_lost_deletion_left_is_asked_for(control_plane: Stack, workbench: Workbench) -> None:
    """The subject in the binding that all namespaces share; asking for it removes it."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.delete("kepler/kepler")

    diverging = SweepRun(control_plane).diverging(workbench.namespace)

    assert diverging == {"collector": [f"no Kepler is left in namespace '{workbench.namespace}'"]}
    workbench.resync("collector")
    assert SweepRun(control_plane).diverging(workbench.namespace) == {}
    bound = json.loads(control_plane.kubectl("get", "clusterrolebinding", "kepler-exporter", "-o", "json"))
    assert workbench.namespace not in [subject["namespace"] for subject in bound.get("subjects") or []]


def test_asking_brings_everything_to_its_end(control_plane: Stack, workbench: Workbench) -> None:
    """What a sweep asks for, delivered until a sweep asks for nothing: as if no event had been lost."""
    workbench.apply(power("mine", levels=["node"]), kepler(exported_power="mine", model_server={"enabled": True}))
    for _ in range(5):
        if not SweepRun(control_plane).diverging(workbench.namespace):
            break
        for function in workbench.recorders:
            workbench.resync(function)
    assert workbench.settle() == 0
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 1


def test_calls_grow_with_pages_only(control_plane: Stack, workbench: Workbench) -> None:
    """A converged Kepler more costs no call; namespaces that sort before and after are told apart."""
    others = [f"{workbench.namespace}-a", f"{workbench.namespace}a"]
    before = SweepRun(control_plane).lists
    for namespace in (workbench.namespace, *others):
        if namespace != workbench.namespace:
            create_namespace(control_plane, namespace)
        bench = Workbench(control_plane, namespace)
        bench.apply(kepler())
        bench.settle()
        bench.roll_out()
        bench.settle()

    swept = SweepRun(control_plane)

    assert all(swept.diverging(namespace) == {} for namespace in (workbench.namespace, *others))
    assert swept.lists == before
    assert {request.method for request in swept.asked.requests} == {"GET"}


def test_the_end_of_a_sweep_is_told(control_plane: Stack, workbench: Workbench) -> None:
    """Also where nothing diverges: whoever looks sees when anybody last looked."""
    workbench.apply(kepler())
    workbench.settle()
    finished = SweepRun(control_plane).sent[-1]
    assert finished.get_type() == SWEEP_FINISHED
    assert data(finished)["resources"] >= 1


def test_a_sweep_is_made_at_most_once_a_minute_whoever_asks(control_plane: Stack) -> None:
    """Each forged ping was a whole sweep; a process that a ping has started sweeps at its start, and not once more."""
    kubeconfig = control_plane.kubeconfig_for(NAMESPACE, "kepler-sweep")
    sent: list[CloudEvent] = []
    sweep = Sweep(FUNCTIONS, connect({"KUBECONFIG": str(kubeconfig)}, user_agent="test"), sent.append)
    assert sweep.pause == 60
    sweep.begin()
    count = len(sent)
    for sent_at in ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"):
        assert sweep(ping(time=sent_at)).calls == 0
    assert len(sent) == count
    sweep.pause = 0
    assert sweep(ping(time="2020-01-01T00:00:00Z")).calls > 0


def test_of_the_events_that_come_during_a_sweep_one_waits(control_plane: Stack) -> None:
    """A sweep of thousands takes a minute: floods of pings meanwhile hold no threads and lead to no second one."""
    kubeconfig = control_plane.kubeconfig_for(NAMESPACE, "kepler-sweep")
    send = connect({"KUBECONFIG": str(kubeconfig)}, user_agent="test")
    sent: list[CloudEvent] = []
    going, go_on = threading.Event(), threading.Event()

    def slow(request: Request) -> ApiResponse:
        going.set()
        go_on.wait(20)
        return send(request)

    sweep = Sweep(FUNCTIONS, slow, sent.append, pause=0)
    with ThreadPoolExecutor(8) as senders:
        first = senders.submit(sweep, ping())
        assert going.wait(20)
        waiting = senders.submit(sweep, ping())
        assert wait_until(sweep._waiting.locked, 20, threading.Event())
        assert [senders.submit(sweep, ping()).result().calls for _ in range(20)] == [0] * 20
        go_on.set()
        assert first.result().calls > 0
        assert waiting.result().calls == 0
    assert [event.get_type() for event in sent].count(SWEEP_FINISHED) == 1


def test_sweeps_that_fail_are_no_storm_either(control_plane: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ping began another one as soon as the last had failed, on an API server that throttles."""
    monkeypatch.setattr(sweep_module, "SWEEP_AGAIN", 0.5)
    kubeconfig = control_plane.kubeconfig_for(NAMESPACE, "kepler-sweep")
    send = connect({"KUBECONFIG": str(kubeconfig)}, user_agent="test")
    asked = Recorder(failing(send))
    sweep = Sweep(FUNCTIONS, asked, lambda _: None)
    for _ in range(20):
        with pytest.raises(ApiError):
            sweep(ping())
    assert len(asked.requests) == 3
    time.sleep(0.5)
    sweep.transport = send
    assert sweep(ping()).calls > 0


def failing(send: Transport) -> Transport:
    """Answers the third request, and all that follow, with an expired list."""
    count = 0

    def answer(request: Request) -> ApiResponse:
        nonlocal count
        count += 1
        return send(request) if count < 3 else ApiResponse(410, {"reason": "Expired", "message": "too old"})

    return answer


def test_a_sweep_at_the_start_that_fails_is_made_up_for(control_plane: Stack) -> None:
    """By the next event, whenever that was sent."""
    kubeconfig = control_plane.kubeconfig_for(NAMESPACE, "kepler-sweep")
    send = connect({"KUBECONFIG": str(kubeconfig)}, user_agent="test")
    sent: list[CloudEvent] = []
    sweep = Sweep(FUNCTIONS, failing(send), sent.append, pause=0)
    sweep.begin()
    assert SWEEP_FINISHED not in [event.get_type() for event in sent]
    sweep.transport = send
    sweep(ping(time="2020-01-01T00:00:00Z"))
    assert SWEEP_FINISHED in [event.get_type() for event in sent]
