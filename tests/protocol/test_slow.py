"""A slow API server: what it delays is one object's reconcile, for a bounded time, and nobody else's."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from functions import collected_metric
from local.stack import Stack
from runtime.deadlines import RECONCILE
from runtime.errors import Unavailable
from runtime.receive import Reconciler
from runtime.transport import connect
from runtime.workers import SLOTS, WAITING
from tests.protocol.test_process import resync, running, wait
from tests.slow import SlowServer, slow_server
from tests.workbench import Workbench, kepler
from tests.workbench import resync as asking

POOL = urllib3.PoolManager(maxsize=200, retries=False, timeout=90)


@contextmanager
def behind_a_slow_server(stack: Stack, folder: Path) -> Iterator[tuple[SlowServer, str]]:
    """The process of one function whose API server can be slowed down, and where it listens."""
    account = stack.kubeconfig_for("kepler-operator", "kepler-collected-metric")
    with slow_server(stack) as slow:
        settings = {"FUNCTION": "collected_metric", "KUBECONFIG": slow.kubeconfig(folder, account)}
        with running(stack, **settings) as (_, url):
            yield slow, url


def post(url: str, namespace: str, identity: str) -> tuple[int, float]:
    """One request to look at the Kepler of a namespace: its answer, and how many seconds that took."""
    began = time.monotonic()
    headers = {**resync(namespace), "ce-id": identity}
    return POOL.request("POST", url, headers=headers).status, time.monotonic() - began


def test_many_events_about_one_slow_object_delay_no_other(
    control_plane: Stack, workbench: Workbench, tmp_path: Path
) -> None:
    """More events than there are places to work wait for one object's turn; an event about another goes right through.

    Measured before waiting and working were told apart: twenty such events held every thread, and the other one waited
    for six seconds.
    """
    beside = f"{workbench.namespace}-beside"
    control_plane.kubectl("create", "namespace", beside)
    workbench.apply(kepler())
    workbench.stack.kubectl("apply", "-n", beside, "-f", "-", stdin=_json(kepler()))
    count = SLOTS + WAITING + 12
    with behind_a_slow_server(control_plane, tmp_path) as (slow, url), ThreadPoolExecutor(count) as senders:
        post(url, beside, "warm")
        slow.delay = lambda path: 1.0 if f"/namespaces/{workbench.namespace}/" in path else 0.0
        waiting = [senders.submit(post, url, workbench.namespace, str(number)) for number in range(count)]
        assert wait(lambda: any(workbench.namespace in text for text in slow.asked))
        time.sleep(0.5)
        status, took = post(url, beside, "other")
        answers = [future.result()[0] for future in waiting]
    assert status in (200, 204)
    assert took < 1.0
    assert set(answers) <= {200, 204}


def test_an_api_server_that_answers_too_late_costs_one_deadline(
    control_plane: Stack, workbench: Workbench, tmp_path: Path
) -> None:
    """Each call of a reconcile takes seconds: it ends in time, says so, and what it holds is free again."""
    workbench.apply(kepler())
    account = control_plane.kubeconfig_for("kepler-operator", "kepler-collected-metric")
    with slow_server(control_plane) as slow:
        transport = connect({"KUBECONFIG": slow.kubeconfig(tmp_path, account)}, user_agent="slow")
        reconciler = Reconciler(collected_metric.FUNCTION, transport, seconds=3.0)
        slow.delay = lambda _path: 2.0
        began = time.monotonic()
        with pytest.raises(Unavailable):
            reconciler(asking(workbench.namespace, "kepler"))
        assert 2.0 < time.monotonic() - began < 4.5
        slow.delay = lambda _path: 0.0
        assert reconciler(asking(workbench.namespace, "kepler")).reports


def test_a_server_that_hangs_is_answered_with_503_below_the_triggers_timeout(
    control_plane: Stack, workbench: Workbench, tmp_path: Path
) -> None:
    """By the real process: the broker hears 503 before it gives up itself, and the process goes on."""
    workbench.apply(kepler())
    with behind_a_slow_server(control_plane, tmp_path) as (slow, url):
        slow.delay = lambda _path: 60.0
        status, took = post(url, workbench.namespace, "hangs")
        slow.delay = lambda _path: 0.0
        again, _ = post(url, workbench.namespace, "again")
    assert (status, again) == (503, 200)
    assert took < RECONCILE + 3


def test_retry_after_of_the_api_server_is_honoured(control_plane: Stack, workbench: Workbench, tmp_path: Path) -> None:
    """Over real HTTP: throttled twice with a second's pause, then done, with no request in between."""
    workbench.apply(kepler())
    account = control_plane.kubeconfig_for("kepler-operator", "kepler-collected-metric")
    with slow_server(control_plane) as slow:
        transport = connect({"KUBECONFIG": slow.kubeconfig(tmp_path, account)}, user_agent="slow")
        answers = [(429, {"Retry-After": "1"}), (503, {"Retry-After": "1"})]
        slow.answer = lambda _path: answers.pop(0) if answers else None
        began = time.monotonic()
        assert Reconciler(collected_metric.FUNCTION, transport)(asking(workbench.namespace, "kepler")).reports
        assert time.monotonic() - began > 2.0
        assert slow.asked[0] == slow.asked[1] == slow.asked[2]


def test_a_full_process_says_so_and_recovers(control_plane: Stack, workbench: Workbench, tmp_path: Path) -> None:
    """Every place to work is taken by slow objects: one more event waits, and is served when a place gets free."""
    slowed = [f"{workbench.namespace}-{number}" for number in range(SLOTS)]
    for name in slowed:
        control_plane.kubectl("create", "namespace", name)
    workbench.apply(kepler())
    with behind_a_slow_server(control_plane, tmp_path) as (slow, url), ThreadPoolExecutor(SLOTS + 1) as senders:
        slow.delay = lambda path: 1.5 if any(f"/namespaces/{name}/" in path for name in slowed) else 0.0
        held: list[Future[tuple[int, float]]] = [senders.submit(post, url, name, name) for name in slowed]
        assert wait(lambda: len(slow.asked) >= SLOTS)
        status, _ = senders.submit(post, url, workbench.namespace, "last").result()
        assert {future.result()[0] for future in held} == {204}
    assert status == 200


def _json(manifest: dict[str, object]) -> str:
    return json.dumps(manifest)
