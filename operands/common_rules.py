"""Recording rules with the same names and labels in every line of Kepler, so that a dashboard survives its change.

| series                      | labels                             | unit                   |
|-----------------------------|------------------------------------|------------------------|
| `kepler:pod_watts`          | namespace, pod_namespace, pod_name | watts                  |
| `kepler:namespace_watts`    | namespace, pod_namespace           | watts                  |
| `kepler:pod_joules:24h`     | namespace, pod_namespace, pod_name | joules in the last day |
| `kepler:namespace_joules:24h` | namespace, pod_namespace         | joules in the last day |

`namespace` is that of the exporters, `pod_namespace` that of the measured pods. What the watts comprise is the line's:
v0.7 adds up package, memory, GPUs and the rest; v0.11 measures one zone, since its zones overlap.
"""

from collections.abc import Iterator
from typing import Any, Final

Rules = list[dict[str, Any]]

DAY: Final = "24h"
BY_NAMESPACE: Final = ("namespace", "pod_namespace")
BY_POD: Final = (*BY_NAMESPACE, "pod_name")

POD_WATTS: Final = "kepler:pod_watts"
NAMESPACE_WATTS: Final = "kepler:namespace_watts"
POD_JOULES: Final = f"kepler:pod_joules:{DAY}"
NAMESPACE_JOULES: Final = f"kepler:namespace_joules:{DAY}"


def watts(of_pods: str, namespace: str) -> Iterator[dict[str, str]]:
    """Yield the rules for power, from an expression for the watts of pods with the labels `BY_POD` and others."""
    yield summed(POD_WATTS, BY_POD, of_pods)
    yield summed(NAMESPACE_WATTS, BY_NAMESPACE, f'{POD_WATTS}{{namespace="{namespace}"}}')


def energy(of_pods: str, namespace: str) -> Iterator[dict[str, str]]:
    """Yield the rules for a day's energy, from an expression for the joules of pods with the labels `BY_POD`."""
    yield summed(POD_JOULES, BY_POD, of_pods)
    yield summed(NAMESPACE_JOULES, BY_NAMESPACE, f'{POD_JOULES}{{namespace="{namespace}"}}')


def groups(watts: Rules, energy: Rules, interval: int) -> Rules:
    """Return the groups of a PrometheusRule; empty if there are no rules.

    `interval` is the scrape interval in seconds. Watts are computed at every scrape, the energy of a day at most once a
    minute.
    """
    named = (("kepler-watts", f"{interval}s", watts), ("kepler-energy", f"{max(60, interval)}s", energy))
    return [{"name": name, "interval": often, "rules": rules} for name, often, rules in named if rules]


def summed(record: str, by: tuple[str, ...], expression: str) -> dict[str, str]:
    """Return a rule that sums up an expression by labels."""
    return {"record": record, "expr": f"sum by ({', '.join(by)}) ({expression})"}
