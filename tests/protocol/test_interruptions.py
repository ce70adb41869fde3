"""A first reconcile and a change, interrupted at every single request: the end state is always the same.

Between a function and the real API server sits a transport that, at the n-th request, dies before or after it was
carried out, loses the answer, or answers something else.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from functions import cfm
from functions.exporter import CONFIG_HASH
from runtime.client import Answer, Request, Transport
from runtime.errors import ApiError
from runtime.function import Function
from runtime.receive import Reconciler
from tests.workbench import BY_NAME, Workbench, kepler, resync, transport

CHILDREN = ("configmap/kepler-cfm", "serviceaccount/kepler", "service/kepler-exporter", "daemonset/kepler-exporter")
MASKED = {
    CONFIG_HASH,  # of the namespace, among others: `state` checks it
    "deprecated.daemonset.template.generation",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "time",
    "lastTransitionTime",
    "generation",
    "observedGeneration",
}


class Died(BaseException):
    """The process is gone: nothing catches this on its way out."""


def die_before(_send: Transport, _request: Request) -> Answer:
    """The worker ends, and the request was never made."""
    raise Died


def die_after(send: Transport, request: Request) -> Answer:
    """The worker ends once the API server has carried out the request."""
    send(request)
    raise Died


def lose(send: Transport, request: Request) -> Answer:
    """Carried out, but the connection breaks before the answer."""
    send(request)
    return Answer(0, {"message": "connection reset"})


def answering(status: int) -> Callable[[Transport, Request], Answer]:
    """Not carried out; answered with this status."""

    def answer(_send: Transport, _request: Request) -> Answer:
        return Answer(status, {"message": f"injected {status}"})

    answer.__name__ = f"answer_{status}"
    return answer


FAULTS = (die_before, die_after, lose, answering(409), answering(429), answering(500), answering(504))


@dataclass
class Faulty:
    """Everything passes but the request with number `at`, counted from 0, which meets the fault."""

    send: Transport
    fault: Callable[[Transport, Request], Answer]
    at: int
    count: int = -1

    def __call__(self, request: Request) -> Answer:
        self.count += 1
        return self.fault(self.send, request) if self.count == self.at else self.send(request)


def interrupted(function: Function, through: Faulty, namespace: str) -> None:
    """One delivery that may fail or die; the broker would deliver again, which `settle` does afterwards."""
    try:
        Reconciler(function, through)(resync(namespace, "kepler"))
    except (Died, ApiError):
        return


def state(workbench: Workbench) -> dict[str, Any]:
    """Children and conditions, with nothing in them that differs from run to run."""
    found = {child: workbench.get(child) for child in CHILDREN}
    started = found["daemonset/kepler-exporter"]["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH]
    assert started == cfm.digest(found["configmap/kepler-cfm"], {})
    found["conditions"] = workbench.conditions()
    return {name: masked(one, workbench.namespace) for name, one in found.items()}


def masked(value: Any, namespace: str) -> Any:
    """Without times, identities and the namespace's name; sets as sorted lists."""
    if isinstance(value, dict):
        return {key: masked(below, namespace) for key, below in value.items() if key not in MASKED and "uid" not in key}
    if isinstance(value, list):
        return sorted((masked(one, namespace) for one in value), key=str)
    return value.replace(namespace, "NS") if isinstance(value, str) else value


def runs(
    workbench: Workbench, name: str, prepare: Callable[[], None], fault: Callable[[Transport, Request], Answer]
) -> int:
    """The reconcile of `name` after `prepare`, once for each request it makes, with the fault at that request."""
    function = BY_NAME[name]
    send = transport(workbench.stack, function.manager)
    for at in itertools.count():
        prepare()
        through = Faulty(send, fault, at)
        interrupted(function, through, workbench.namespace)
        if through.count < at:
            return at
        workbench.settle()  # its last turn wrote nothing, or it fails
    raise AssertionError


def before(name: str, workbench: Workbench) -> None:
    """Every function that comes before this one, in the catalogue's order."""
    for earlier in itertools.takewhile(lambda other: other != name, BY_NAME):
        workbench.resync(earlier)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_change_survives_any_single_fault(
    workbench: Workbench, name: str, fault: Callable[[Transport, Request], Answer]
) -> None:
    """However a worker ended, the next delivery makes of it what an undisturbed one would have."""
    workbench.apply(kepler())
    workbench.settle()
    levels = itertools.cycle((2, 1))

    def change() -> None:
        workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": next(levels)}}})
        before(name, workbench)

    tried = runs(workbench, name, change, fault)

    assert tried >= 3
    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 1}}})
    workbench.settle()
    ended = state(workbench)
    reference = undisturbed(workbench)
    assert ended == reference


def undisturbed(workbench: Workbench) -> dict[str, Any]:
    """The state that the same Kepler has in a namespace where nothing was disturbed."""
    other = f"{workbench.namespace}-calm"
    workbench.stack.kubectl("create", "namespace", other)
    calm = Workbench(workbench.stack, other)
    calm.apply(kepler())
    calm.settle()
    return state(calm)


def test_a_first_reconcile_survives_dying_after_any_request(control_plane: Any, namespace: str) -> None:
    """Half-made objects are completed, not made twice."""
    for at in range(16):
        half = f"{namespace}-{at}"
        control_plane.kubectl("create", "namespace", half)
        workbench = Workbench(control_plane, half)
        workbench.apply(kepler())
        before("collector", workbench)
        through = Faulty(transport(control_plane, BY_NAME["collector"].manager), die_after, at)
        interrupted(BY_NAME["collector"], through, half)
        workbench.settle()
        assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 1
        assert workbench.conditions()["CollectorReconciled"]["status"] == "True"


def test_many_workers_at_one_object_make_one_of_it(workbench: Workbench) -> None:
    """Eight deliveries of the same event at once, to each function: one DaemonSet, one generation."""
    workbench.apply(kepler())

    def deliver(name: str) -> None:
        for _ in range(3):
            workbench.resync(name)

    with ThreadPoolExecutor(3 * 8) as workers:
        list(workers.map(deliver, [name for name in BY_NAME for _ in range(8)]))
    workbench.settle()

    assert workbench.settle() == 0
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 1
    assert state(workbench) == undisturbed(workbench)


def test_an_older_decision_never_replaces_a_newer_one(workbench: Workbench) -> None:
    """A worker that read the old port and is held up before its first write finds its lock broken, and starts again."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("kepler/kepler", {"spec": {"collector": {"port": 9103}}})
    before("collector", workbench)
    send = transport(workbench.stack, BY_NAME["collector"].manager)
    overtaken: list[Request] = []

    def overtake(request: Request) -> Answer:
        if request.method == "PATCH" and not overtaken:
            overtaken.append(request)
            workbench.patch("kepler/kepler", {"spec": {"collector": {"port": 9104}}})
            workbench.settle()
        return send(request)

    Reconciler(BY_NAME["collector"], overtake)(resync(workbench.namespace, "kepler"))

    assert workbench.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9104
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 2
    assert workbench.conditions()["CollectorReconciled"]["observedGeneration"] == 3


def test_a_stale_condition_is_mended_by_who_wrote_it(workbench: Workbench) -> None:
    """Conditions have no lock: a slow worker puts its old one back, looks again, and sees."""
    workbench.apply(kepler())
    send = transport(workbench.stack, BY_NAME["collected_metric"].manager)
    overtaken: list[Request] = []

    def overtake(request: Request) -> Answer:
        if request.path.endswith("/status") and not overtaken:
            overtaken.append(request)
            workbench.patch("kepler/kepler", {"spec": {"collected-metric": "missing"}})
            workbench.resync("collected_metric")
        return send(request)

    Reconciler(BY_NAME["collected_metric"], overtake)(resync(workbench.namespace, "kepler"))

    reported = workbench.conditions()["CollectedMetricReconciled"]
    assert (reported["reason"], reported["observedGeneration"]) == ("CollectedMetricNotFound", 2)


def test_a_missing_permission_is_said(workbench: Workbench) -> None:
    """Refused with 403, the condition names the ServiceAccount and the cure."""
    workbench.apply(kepler())
    before("collector", workbench)
    send = transport(workbench.stack, BY_NAME["collector"].manager)

    without = transport(workbench.stack, BY_NAME["status"].manager)  # its Role may only read DaemonSets

    def refuse(request: Request) -> Answer:
        return (without if request.method == "PATCH" and "daemonsets" in request.path else send)(request)

    Reconciler(BY_NAME["collector"], refuse)(resync(workbench.namespace, "kepler"))

    reported = workbench.conditions()["CollectorReconciled"]
    assert (reported["status"], reported["reason"]) == ("False", "Forbidden")
    assert "ServiceAccount 'kepler-collector'" in reported["message"]


def test_a_namespace_on_its_way_out_is_left_alone(workbench: Workbench) -> None:
    """Nothing can be created there, and nothing need be said: the Kepler is about to go, too."""
    workbench.apply(kepler())
    before("collector", workbench)
    workbench.stack.kubectl("delete", "namespace", workbench.namespace, "--wait=false")

    workbench.resync("collector")

    assert "CollectorReconciled" not in workbench.conditions()
