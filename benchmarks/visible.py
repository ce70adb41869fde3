"""Time from `kubectl apply` until the console can show the reports.

Measured by the console's own queries: the query for changes, and then the reports of the resource.
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
# Seconds between two queries, and until the measurement fails.
PERIOD = 0.005
TIMEOUT = 30.0


def first_report(stack: Stack, count: int) -> dict[str, float]:
    """Return milliseconds from an edit until the first report on its generation is readable, and until all are."""
    name = "visible"
    create_namespace(stack, name)
    where = f"/apis/sustainable-computing.io/v1alpha1/namespaces/{name}/keplers/kepler"
    first, last = [], []
    for turn in range(count):
        edited = {**kepler(collector={"port": 9200 + turn})}
        began = time.monotonic()
        generation = stack.api.apply(where, edited)["metadata"]["generation"]
        query = f"reports?kind=Kepler&namespace={name}&name=kepler&generation={generation}"
        first.append(_milliseconds_until(began, lambda query=query: _query(stack, query)["items"]))
        last.append(_milliseconds_until(began, lambda query=query: _is_complete(_query(stack, query)["items"])))
    return {
        "first report p50_ms": round(statistics.median(first), 1),
        "first report max_ms": round(max(first), 1),
        "every function p50_ms": round(statistics.median(last), 1),
        "every function max_ms": round(max(last), 1),
    }


def _milliseconds_until(began: float, check: Any) -> float:
    """Return the milliseconds from `began` until the check is true."""
    while not check():
        assert time.monotonic() - began < TIMEOUT
        time.sleep(PERIOD)
    return (time.monotonic() - began) * 1000


def _is_complete(reports: list[Any]) -> bool:
    """Return whether every function has reported."""
    return {report["function"] for report in reports} >= {*BY_NAME}


def _query(stack: Stack, query: str) -> Any:
    answer = urllib3.request("GET", f"{stack.url(AUDIT)}{API.lstrip('/')}/{query}", retries=False)
    assert answer.status == 200, answer.data
    return json.loads(answer.data)
