"""Several workers at one object at once, and workers that are refused: what they make of it together."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from operands import cfm
from operands.children import CONFIG_HASH
from runtime.client import ApiResponse, Request
from runtime.receive import Reconciler
from tests.masks import masked
from tests.workbench import BY_NAME, Workbench, create_namespace, kepler, resync, transport

CHILDREN = ("configmap/kepler-cfm", "serviceaccount/kepler", "service/kepler-exporter", "daemonset/kepler-exporter")


def state(workbench: Workbench) -> dict[str, Any]:
    """Children and conditions, with nothing in them that differs from run to run."""
    objects = {child: workbench.get(child) for child in CHILDREN}
    started = objects["daemonset/kepler-exporter"]["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH]
    assert started == cfm.configuration_hash(objects["configmap/kepler-cfm"], {})
    objects["conditions"] = workbench.conditions()
    return {name: masked(manifest, workbench.namespace) for name, manifest in objects.items()}


def before(name: str, workbench: Workbench) -> None:
    """Every function that comes before this one, in the catalogue's order."""
    for earlier in itertools.takewhile(lambda other: other != name, BY_NAME):
        workbench.resync(earlier)


def undisturbed(workbench: Workbench) -> dict[str, Any]:
    """The state that the same Kepler has in a namespace where nothing was disturbed."""
    text = f"{workbench.namespace}-calm"
    create_namespace(workbench.stack, text)
    calm = Workbench(workbench.stack, text)
    calm.apply(kepler())
    calm.settle()
    return state(calm)


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

    def overtake(request: Request) -> ApiResponse:
        if request.method == "PATCH" and not overtaken:
            overtaken.append(request)
            workbench.patch("kepler/kepler", {"spec": {"collector": {"port": 9104}}})
            workbench.settle()
        return send(request)

    Reconciler(BY_NAME["collector"], overtake)(resync(workbench.namespace, "kepler"))

    assert workbench.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9104
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 2
    assert workbench.conditions()["CollectorReconciled"]["observedGeneration"] == 3


def requests_for(workbench: Workbench, function: str, meanwhile: Callable[[], object]) -> list[tuple[str, str]]:
    """Method and last step of the path of each request, where somebody acts right before the first write."""
    send = transport(workbench.stack, BY_NAME[function].manager)
    asked: list[tuple[str, str]] = []

    def interrupted(request: Request) -> ApiResponse:
        if request.method == "PATCH" and all(method != "PATCH" for method, _ in asked):
            meanwhile()
        asked.append((request.method, request.path.rpartition("/")[2]))
        return send(request)

    Reconciler(BY_NAME[function], interrupted)(resync(workbench.namespace, "kepler"))
    return asked


def test_a_conflict_over_keys_of_others_costs_a_read_and_a_write(workbench: Workbench) -> None:
    """Another function creates `kepler-cfm` or a user edits it between our read and our write: no new round."""
    workbench.apply(kepler())
    created = requests_for(workbench, "collected_metric", lambda: workbench.resync("exported_power"))
    workbench.settle()
    workbench.apply({**kepler("less", sources={"irq": {"enabled": False}}), "kind": "KeplerCollectedMetric"})
    workbench.patch("kepler/kepler", {"spec": {"collected-metric": "less"}})
    own_key = {"data": {"MAX_LOOKUP_RETRY": "7"}}
    edited = requests_for(workbench, "collected_metric", lambda: workbench.patch("configmap/kepler-cfm", own_key))

    again = [("PATCH", "kepler-cfm"), ("GET", "kepler-cfm"), ("PATCH", "kepler-cfm"), ("PATCH", "status")]
    assert created == [("GET", "kepler-cfm"), ("GET", "kepler"), *again]
    assert edited == [("GET", "kepler-cfm"), ("GET", "kepler"), ("GET", "less"), *again, ("GET", "less")]
    data = workbench.get("configmap/kepler-cfm")["data"]
    assert (data["MAX_LOOKUP_RETRY"], data["EXPOSE_IRQ_COUNTER_METRICS"]) == ("7", "false")


def test_a_conflict_over_an_input_or_own_fields_is_a_new_round(workbench: Workbench) -> None:
    """`collector` decides from all keys of `kepler-cfm`; a key of ours in another's hands may be a newer decision."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("kepler/kepler", {"spec": {"collector": {"port": 9103}}})
    before("collector", workbench)
    own_key, ours = {"data": {"MAX_LOOKUP_RETRY": "7"}}, {"data": {"EXPOSE_IRQ_COUNTER_METRICS": "hand"}}
    input_edited = requests_for(workbench, "collector", lambda: workbench.patch("configmap/kepler-cfm", own_key))
    workbench.settle()
    workbench.apply({**kepler("less", sources={"irq": {"enabled": False}}), "kind": "KeplerCollectedMetric"})
    workbench.patch("kepler/kepler", {"spec": {"collected-metric": "less"}})
    taken = requests_for(workbench, "collected_metric", lambda: workbench.patch("configmap/kepler-cfm", ours))

    assert input_edited.count(("GET", "kepler")) >= 2 * 2  # ServiceAccount and Kepler
    assert taken.count(("GET", "kepler")) == 2
    assert workbench.get("configmap/kepler-cfm")["data"]["EXPOSE_IRQ_COUNTER_METRICS"] == "false"


def test_a_stale_condition_is_mended_by_who_wrote_it(workbench: Workbench) -> None:
    """Conditions have no lock: a slow worker puts its old one back, looks again, and sees."""
    workbench.apply(kepler())
    send = transport(workbench.stack, BY_NAME["collected_metric"].manager)
    overtaken: list[Request] = []

    def overtake(request: Request) -> ApiResponse:
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

    def refuse(request: Request) -> ApiResponse:
        return (without if request.method == "PATCH" and "daemonsets" in request.path else send)(request)

    Reconciler(BY_NAME["collector"], refuse)(resync(workbench.namespace, "kepler"))

    reported = workbench.conditions()["CollectorReconciled"]
    assert (reported["status"], reported["reason"]) == ("False", "Forbidden")
    cure = (
        "apply `config/` again, with the overlay that is installed, and with `config/overlays/tenants` its "
        "RoleBindings in this namespace"
    )
    # The account that the API server named: in one process with others, a function has no account of its own.
    assert f"ServiceAccount 'kepler-status' lacks a permission: {cure}, then run" in reported["message"]


def test_a_namespace_that_is_deleted_meanwhile_is_left_alone(workbench: Workbench) -> None:
    """Nothing can be created there, and nothing need be said yet: the event of the namespace wakes the function."""
    workbench.apply(kepler())
    before("collector", workbench)
    send = transport(workbench.stack, BY_NAME["collector"].manager)
    deleted: list[Request] = []

    def delete_first(request: Request) -> ApiResponse:
        if request.method == "PATCH" and not deleted:
            deleted.append(request)
            workbench.stack.kubectl("delete", "namespace", workbench.namespace, "--wait=false")
        return send(request)

    Reconciler(BY_NAME["collector"], delete_first)(resync(workbench.namespace, "kepler"))

    assert deleted
    assert "CollectorReconciled" not in workbench.conditions()
