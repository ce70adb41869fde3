"""Watts by pod from the text that exporters serve."""

import pytest

from cli.power import ordered, watts

OLD = """# TYPE kepler_container_joules_total counter
kepler_container_joules_total{container_name="a",container_namespace="shop",mode="dynamic",pod_name="web"} %s
kepler_container_joules_total{container_name="b",container_namespace="shop",mode="dynamic",pod_name="web"} 1
kepler_container_joules_total{container_name="a",container_namespace="shop",mode="idle",pod_name="web"} 500
kepler_container_package_joules_total{container_namespace="shop",mode="dynamic",pod_name="web"} 900
"""
NEW = """kepler_pod_cpu_watts{pod_namespace="shop",pod_name="web",state="running",zone="package"} 4.5
kepler_pod_cpu_watts{pod_namespace="shop",pod_name="web",state="running",zone="dram"} 1
kepler_pod_cpu_watts{pod_namespace="shop",pod_name="gone",state="terminated",zone="package"} 9
"""
DRAM = """kepler_pod_cpu_watts{pod_namespace="shop",pod_name="web",state="running",zone="dram"} 1.5
"""


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        pytest.param(OLD % "10", OLD % "30", 2.0, id="the rate of the joules of all containers of a pod, without idle"),
        pytest.param(OLD % "10", OLD % "4.0", 0.5, id="an exporter that was started anew counts from zero"),
        pytest.param(DRAM, DRAM, 1.5, id="of another zone where the package is not measured"),
        pytest.param(NEW, NEW, 4.5, id="watts that v0.11 tells itself, of one zone and of what runs"),
    ],
)
def test_the_watts_of_a_pod(first: str, then: str, expected: float) -> None:
    """Two reads ten seconds apart."""
    assert watts(first, then, 10.0) == {("shop", "web"): pytest.approx(expected)}


def test_a_pod_that_is_new_counts_from_zero() -> None:
    """It is missing in the first read."""
    assert watts("", OLD % "9", 10.0) == {("shop", "web"): pytest.approx(1.0)}


def test_what_draws_most_comes_first() -> None:
    """And what draws the same by name."""
    powers = ordered({("b", "x"): 1.0, ("a", "y"): 3.0, ("a", "x"): 1.0})

    assert [(power.namespace, power.pod) for power in powers] == [("a", "y"), ("a", "x"), ("b", "x")]
