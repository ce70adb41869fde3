"""What is read of the cluster, whatever is in there."""

import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.answer_models import Resources
from audit.answers import live
from audit.answers.dead_letter_answers import letter
from audit.answers.live import Live, resource, shown_resource
from audit.answers.responses import json_page
from runtime.client import ApiResponse, Request

GENERATION: dict[str, Any] = {"name": "kepler", "namespace": "a", "uid": "1", "generation": 3}
KEPLER: dict[str, Any] = {
    "apiVersion": "sustainable-computing.io/v1alpha1",
    "kind": "Kepler",
    "metadata": {**GENERATION, "creationTimestamp": "2026-11-25T12:00:00Z"},
}
READY = {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "", "observedGeneration": 3}


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
        shown_resources = Live(lambda: send, "kepler-operator").resources().items
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
