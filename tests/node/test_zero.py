"""Back at zero, and staying there: nothing wakes without a cause."""

import os
import time

from node import usage
from node.machine import Node
from tests.node import measured
from tests.node.on_node import PODS, OnNode

# Minutes to watch, by `make e2e IDLE=10`; without it, as long as a reader waits.
IDLE = "IDLE"
SHORT = 40.0
SWEEP = "kepler-sweep"


def pods(user: OnNode) -> dict[str, str]:
    """The operator's pods: uid -> the function, or the pod's name where it is none."""
    label = "serving.knative.dev/service"
    metas = [pod["metadata"] for pod in user.api.items(PODS)]
    return {meta["uid"]: meta.get("labels", {}).get(label, meta["name"]) for meta in metas}


def test_after_an_edit_all_functions_end(user: OnNode) -> None:
    """Replicas are zero within seconds of the last event; `audit` and the source's adapter stay."""
    user.await_ready()
    user.patch("keplers/kepler", {"spec": {"collector": {"port": 9115}}})
    user.eventually(lambda: user.get("keplers/kepler")["status"].get("observedGeneration", 0) > 0)
    user.await_ready()

    measured.seconds("Ready -> all functions at zero", user.seconds(lambda: None, lambda: not user.awake()))


def test_nothing_wakes_without_a_cause(at_zero: OnNode, node: Node) -> None:
    """No pod is started but the sweep's, by its clock; what idling costs is measured."""
    user = at_zero
    seconds = float(os.environ.get(IDLE) or 0) * 60 or SHORT
    known, before, woken = pods(user), usage.by_part(node.api, node.layout.records), []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        woken += [name for uid, name in pods(user).items() if uid not in known]
        known |= pods(user)
        time.sleep(1.0)
    used = usage.since(before, usage.by_part(node.api, node.layout.records))
    measured.used(f"idle for {seconds:.0f} s", used)

    assert set(woken) <= {SWEEP}
    assert len(woken) <= seconds / 300 + 1
