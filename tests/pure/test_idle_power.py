"""Idle power of Kepler v0.7: exported whatever its switch says, so Prometheus drops it unless it is asked for."""

from tests.pure.test_monitoring import decide, endpoint, rules


def test_nothing_more_than_asked_for_needs_no_relabeling() -> None:
    """By default all that is exported is kept but idle power, which Kepler exports whatever its switch says."""
    levels = ["node", "package", "pod", "container"]
    idle = {"action": "drop", "sourceLabels": ["__name__", "mode"], "regex": "kepler_.+_joules_total;idle"}
    assert endpoint(decide(levels=levels))["metricRelabelings"] == [idle]
    assert "metricRelabelings" not in endpoint(decide(levels=levels, idle_power=True))


def test_idle_power_is_summed_up_only_where_it_is_asked_for() -> None:
    """Containers have it always; their components never, so a sum of both would be more than its parts."""
    for idle_power in (False, True):
        rates = [rule["expr"] for rule in rules(decide(levels=["pod", "package"], idle_power=idle_power))]
        over_series = [expression for expression in rates if "kepler_container" in expression]
        assert over_series
        assert all(('mode="dynamic"' in expression) is not idle_power for expression in over_series)
