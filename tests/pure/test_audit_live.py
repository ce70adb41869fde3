"""What is read of the cluster: once for all who ask at a time, and whatever is in there."""

import json
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.answer_models import Resources
from audit.answers import live
from audit.answers.dead_letter_answers import letter
from audit.answers.live import CachedRead, Live, resource, shown_resource
from audit.answers.responses import json_page
from runtime.client import ApiResponse, Request
from runtime.errors import Unavailable

GENERATION: dict[str, Any] = {"name": "kepler", "namespace": "a", "uid": "1", "generation": 3}
KEPLER: dict[str, Any] = {
    "apiVersion": "sustainable-computing.io/v1alpha1",
    "kind": "Kepler",
    "metadata": {**GENERATION, "creationTimestamp": "2026-11-25T12:00:00Z"},
}
READY = {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "", "observedGeneration": 3}


def test_one_reads_for_all_who_ask_meanwhile() -> None:
    """However many consoles are open."""
    reads: list[int] = []
    begun = threading.Event()

    def slowly() -> tuple[int, ...]:
        reads.append(1)
        begun.set()
        time.sleep(0.2)
        return (7,)

    cached = CachedRead(slowly)
    with ThreadPoolExecutor(8) as consoles:
        assert {future.result() for future in [consoles.submit(cached) for _ in range(8)]} == {(7,)}
    assert cached() == (7,)
    assert len(reads) == 1


def test_what_was_read_is_good_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is read again."""
    monkeypatch.setattr(live, "MIN_PAUSE", 0.0)
    numbers = iter(range(9))
    cached = CachedRead(lambda: (next(numbers),))
    assert [cached(), cached()] == [(0,), (1,)]


def test_while_a_read_takes_long_the_last_one_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand resources take seconds; what is too old is waited for, and the API server gets a rest."""
    monkeypatch.setattr(live, "MIN_PAUSE", 0.0)
    monkeypatch.setattr(live, "SLOW_READ", 0.01)
    going, reads = threading.Event(), iter(range(9))

    def slowly() -> tuple[int, ...]:
        number = next(reads)
        assert number == 0 or going.wait(10)
        return (number,)

    cached = CachedRead(slowly)
    assert cached() == (0,)
    assert [cached(), cached()] == [(0,), (0,)]
    monkeypatch.setattr(live, "MAX_AGE", 0.0)
    with monkeypatch.context() as hasty:
        hasty.setattr(live, "REQUEST_TIMEOUT", 0.01)
        with pytest.raises(Unavailable, match="still being read"):
            cached()
    with ThreadPoolExecutor(1) as console:
        asked = console.submit(cached)
        assert not asked.done()
        going.set()
        assert asked.result(10) == (1,)


def test_a_read_that_takes_long_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the time is spent on reading, however many look."""
    monkeypatch.setattr(live, "MIN_PAUSE", 0.0)
    monkeypatch.setattr(live, "QUICK_READ", 0.05)
    monkeypatch.setattr(live, "PAUSE_FACTOR", 1000.0)
    monkeypatch.setattr(live, "MAX_PAUSE", 1000.0)
    numbers = iter(range(9))

    def slowly() -> tuple[int, ...]:
        time.sleep(0.06)
        return (next(numbers),)

    cached = CachedRead(slowly)
    assert [cached() for _ in range(5)] == [(0,)] * 5


def test_an_error_is_everybodys_and_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that is away costs one thread at a time, not all of them one after the other."""
    answers: list[Any] = [Unavailable("away"), (1,)]
    reads: list[int] = []

    def away() -> tuple[int, ...]:
        reads.append(1)
        time.sleep(0.1)
        if isinstance(answers[0], Exception):
            raise answers.pop(0)
        return (1,)

    cached = CachedRead(away)
    with ThreadPoolExecutor(4) as consoles:
        asked = [consoles.submit(cached) for _ in range(4)]
    assert all(isinstance(future.exception(), Unavailable) for future in asked)
    assert len(reads) == 1
    monkeypatch.setattr(live, "MIN_PAUSE", 0.0)
    cached._next_read = 0.0
    assert cached() == (1,)


@pytest.mark.parametrize("count", [0, 1, 2, 200, 201, 450])
def test_a_page_is_joined_from_its_items(count: int) -> None:
    """It reads as one that was made at once, and its length is told before it is sent."""
    items = tuple(
        shown_resource({**KEPLER, "metadata": {**KEPLER["metadata"], "name": f"k{number}"}}) for number in range(count)
    )
    whole = Resources(items=(), next="7", total=count, states={"unreported": count}, reasons=())
    answer = json_page([item.json for item in items], whole)
    content = b"".join(answer.iter_encoded())
    page = Resources.model_validate_json(content)
    assert [item.object.name for item in page.items] == [item.name for item in items]
    assert page.model_copy(update={"items": ()}) == whole
    assert answer.content_length == len(content)


def test_reading_all_resources_takes_memory_for_a_page_of_them_only() -> None:
    """Each may be large, by its spec and `managedFields`: what is shown of it is kept, and nothing else."""
    count, size = 400, 100_000
    large = json.dumps({**KEPLER, "spec": {"x": "x" * size}, "status": {"conditions": [READY]}})

    def send(request: Request) -> ApiResponse:
        first = int(request.query.get("continue", "0")) if request.path.endswith("/keplers") else count
        last = min(count, first + int(request.query["limit"]))
        items = [json.loads(large) for _ in range(first, last)]
        return ApiResponse(200, {"items": items, "metadata": {"continue": str(last) if last < count else ""}})

    tracemalloc.start()
    try:
        shown_resources = Live(lambda: send, "kepler-operator").resources()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(shown_resources) == count
    assert held < count * 4096
    assert peak < 3 * live.PAGE * size


def test_a_resource_is_as_its_status_says() -> None:
    """A condition of another generation is not of now; what is none is passed over."""
    old = {**READY, "type": "Old", "observedGeneration": 2, "lastTransitionTime": "2026-11-25T12:00:00Z"}
    status = {"conditions": [READY, old, {"type": "Broken"}, {**READY, "status": "Perhaps"}], "nodes": {"desired": 4}}
    listed_resource = resource({**KEPLER, "status": status})
    assert [(condition.type, condition.current) for condition in listed_resource.conditions] == [
        ("Ready", True),
        ("Old", False),
    ]
    assert listed_resource.ready == listed_resource.conditions[0]
    assert listed_resource.nodes
    assert (listed_resource.nodes.desired, listed_resource.nodes.available) == (4, 0)
    bare = resource({**KEPLER, "metadata": {**KEPLER["metadata"], "deletionTimestamp": "2026-11-25T12:00:00Z"}})
    assert (bare.ready, bare.conditions, bare.nodes, bare.deleting) == (None, (), None, True)


def test_a_resource_that_is_being_deleted_names_what_holds_it() -> None:
    """Not what its conditions said before: nobody writes those any more."""
    meta = {**KEPLER["metadata"], "deletionTimestamp": "2026-11-25T12:00:00Z", "finalizers": ["example.com/hold"]}
    state = resource({**KEPLER, "metadata": meta, "status": {"conditions": [READY]}}).state
    assert (state.name, state.reason) == ("waiting", "Deleting")
    assert state.message == "it is being deleted, and held by finalizer 'example.com/hold'"
    assert state.step == "find out why the controller that set the finalizer does not remove it"
    assert state.since == datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_nodes_of_a_machine_config_are_other_ones() -> None:
    """It counts those that can run the exporter."""
    assert resource({**KEPLER, "status": {"nodes": {"total": 4, "linux": 4, "supported": 3}}}).nodes is None


@pytest.mark.parametrize(
    "data", [{}, {"attributes": "x"}, {"attributes": "[]"}, {"attributes": "{}"}, None, {"at": "yesterday"}], ids=str
)
def test_what_is_no_letter_is_passed_over(data: Any) -> None:
    """Anybody who may write ConfigMaps there may have written it."""
    assert letter({"metadata": {"name": "a"}, "data": data}) is None
