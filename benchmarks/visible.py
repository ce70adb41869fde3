"""How long it takes from `kubectl apply` until the console can show what came of it.

Measured as the console does it: by asking the query API what is new, and then for the reports of the resource.
"""

import json
import statistics
import time
from typing import Any

import urllib3

from audit.answer_models import API
from local.stack import Stack
from tests.workbench import BY_NAME, create_namespace, kepler

AUDIT = "kepler-audit"
# Seconds between two looks, and after which there is no hope.
PERIOD = 0.005
PATIENCE = 30.0


def first_report(stack: Stack, count: int) -> dict[str, float]:
    """Milliseconds from an edit until a report on its generation can be read, and until every function's can."""
    name = "visible"
    create_namespace(stack, name)
    where = f"/apis/sustainable-computing.io/v1alpha1/namespaces/{name}/keplers/kepler"
    first, last = [], []
    for turn in range(count):
        edited = {**kepler(collector={"port": 9200 + turn})}
        began = time.monotonic()
        generation = stack.api.apply(where, edited)["metadata"]["generation"]
        query = f"reports?kind=Kepler&namespace={name}&name=kepler&generation={generation}"
        first.append(_until(began, lambda query=query: _asked(stack, query)["items"]))
        last.append(_until(began, lambda query=query: _is_whole(_asked(stack, query)["items"])))
    return {
        "first report p50_ms": round(statistics.median(first), 1),
        "first report max_ms": round(max(first), 1),
        "every function p50_ms": round(statistics.median(last), 1),
        "every function max_ms": round(max(last), 1),
    }


def _until(began: float, true: Any) -> float:
    while not true():
        assert time.monotonic() - began < PATIENCE
        time.sleep(PERIOD)
    return (time.monotonic() - began) * 1000


def _is_whole(reports: list[Any]) -> bool:
    return {report["function"] for report in reports} >= {*BY_NAME}


def _asked(stack: Stack, query: str) -> Any:
    answer = urllib3.request("GET", f"{stack.url(AUDIT)}{API.lstrip('/')}/{query}", retries=False)
    assert answer.status == 200, answer.data
    return json.loads(answer.data)
