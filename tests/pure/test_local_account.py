"""What `run` tells about the functions' work."""

import json
from pathlib import Path
from typing import Any

from local import account
from local.keplers import WatchedKepler


def report(function: str, *changes: dict[str, Any], outcome: str = "converged") -> dict[str, Any]:
    return {
        "function": function,
        "outcome": outcome,
        "object": {"kind": "Kepler", "namespace": "kepler-system", "name": "kepler"},
        "changes": list(changes),
        "calls": [{"verb": "GET"}],
        "milliseconds": 2.5,
    }


def change(name: str, action: str, fields: int) -> dict[str, Any]:
    return {"object": {"kind": "ConfigMap", "name": name}, "action": action, "fields": [{"path": "x"}] * fields}


def test_reports_are_picked_out_of_whatever_else_a_log_holds(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    good = json.dumps({"message": "report", "report": report("collector")})
    log.write_text(f'Traceback\n{{"message": "ready"}}\n[1]\n{{"message": "report"}}\n{good}\n{{"mess')

    assert account.reports(log) == [report("collector")]


def test_a_function_that_reports_twice_has_one_line_with_its_last_outcome() -> None:
    first = report("collector", change("kepler-cfm", "created", 9), outcome="waiting")
    second = report("collector", change("kepler-cfm", "changed", 1), change("kepler-cfm", "changed", 2))

    (line,) = account.summary([first, second])

    assert (line.resource, line.outcome, line.calls, line.milliseconds) == ("kepler-system/kepler", "converged", 2, 5.0)
    assert [str(object_summary) for object_summary in line.wrote] == [
        "ConfigMap kepler-cfm created (9 fields)",
        "ConfigMap kepler-cfm changed (3 fields, 2 times)",
    ]


def test_ready_for_an_older_generation_is_not_ready() -> None:
    condition = {"type": "Ready", "status": "True", "observedGeneration": 1}
    content = {"metadata": {"generation": 2}, "status": {"conditions": [condition]}}

    assert not WatchedKepler("ns", "kepler", content).ready
    assert WatchedKepler("ns", "kepler", content | {"metadata": {"generation": 1}}).ready
