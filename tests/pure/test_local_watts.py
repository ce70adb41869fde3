"""Watts by pod at the end of `make run`."""

import threading

import pytest

from local import watts
from local.local_errors import NotReady

LINE = 'kepler_container_joules_total{container_namespace="shop",mode="%s",pod_name="web"} %s\n'
READS = tuple(LINE % ("dynamic", joules) for joules in ("0", "4", "4", "10", "10", "16"))


def test_the_rate_is_over_one_sample_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """From one change of the counters to the next; an exporter that does not answer in between is asked again."""
    reads = iter(READS)
    clock = iter((99.0, 100.0, 103.0))
    failed: list[bool] = []

    def read(_: str) -> str:
        if not failed:
            failed.append(True)
            raise NotReady("between two pods")
        return next(reads)

    monkeypatch.setattr(watts, "read", read)
    monkeypatch.setattr(watts, "now", lambda: next(clock))

    assert watts.measure("url", threading.Event()) == {("shop", "web"): 2.0}


def test_idle_power_does_not_count() -> None:
    """It is the node's."""
    assert watts.joules(LINE % ("dynamic", "3") + LINE % ("idle", "50")) == {("shop", "web"): 3.0}
