"""Which nodes can run the exporter, from what each kubelet reports in `status.nodeInfo`.

That does not include BTF and the cgroup version. Without a pod on the node, the kernel's version is the best evidence.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from events.outcome_words import ConditionStatus
from runtime.adoption import resync
from runtime.objects import NODE, Collection, Manifest, Ref, name
from runtime.outcome import FunctionCondition

CONDITION = "NodesSupported"
NODES = Collection(NODE, "")

# Older kernels have no cgroup id to distinguish containers by (kepler v0.7.12:pkg/config/config.go).
LEAST = (4, 18)
# Older kernels work only if the distribution has backported BTF and batched map reads, as RHEL 8 has
# (kepler v0.7.12:pkg/bpf/exporter.go).
ADVISED = (5, 6)

NAMED = 3


@dataclass(frozen=True)
class Counts:
    """The number of all nodes, of those that run Linux, and of those that can run the exporter."""

    total: int
    linux: int
    supported: int


def counts(nodes: Iterable[Manifest]) -> Manifest:
    """Return the node counts as fields of the status."""
    listed = [*nodes]
    linux = [node for node in listed if _info(node, "operatingSystem") == "linux"]
    return asdict(Counts(len(listed), len(linux), sum(not unsupported(node) for node in listed)))


def check(key: Ref, nodes: Iterable[Manifest]) -> FunctionCondition:
    """Return `NodesSupported`: whether every node can run the exporter; if not, it names up to three of them.

    No event announces changes of nodes, so the message says how to check again.
    """
    again = f"run `{resync(key)}`"
    listed = sorted(nodes, key=name)
    wrong = [f"node '{name(node)}' {why}" for node in listed if (why := unsupported(node))]
    if wrong:
        message = (
            f"{len(wrong)} of {len(listed)} nodes cannot run the exporter: {_some(wrong)}; keep it off them by "
            f"`collector.node-selector` of the Keplers, or upgrade them and {again}"
        )
        return FunctionCondition(CONDITION, ConditionStatus.FALSE, "NotSupported", message)
    if not listed:
        return FunctionCondition(
            CONDITION, ConditionStatus.UNKNOWN, "NoNodes", f"the cluster has no nodes yet: add one, then {again}"
        )
    built = Counter(_info(node, "architecture") for node in listed)
    kinds = ", ".join(f"{count} {architecture}" for architecture, count in sorted(built.items()))
    message = f"all {len(listed)} nodes run Linux with a kernel of {_dotted(LEAST)} or newer ({kinds}){_advice(listed)}"
    return FunctionCondition(CONDITION, ConditionStatus.TRUE, "Supported", message)


def unsupported(node: Manifest) -> str:
    """Return why the exporter cannot run on this node; empty if it can."""
    system, kernel = _info(node, "operatingSystem"), _info(node, "kernelVersion")
    if not system:
        return "has not reported its operating system yet"
    if system != "linux":
        return f"runs {system}, and Kepler needs Linux"
    version = _version(kernel)
    if version is None:
        return f"has kernel '{kernel}', which is no version of Linux"
    return f"has kernel {kernel}, and Kepler needs {_dotted(LEAST)} or newer" if version < LEAST else ""


def _advice(nodes: Iterable[Manifest]) -> str:
    """Return what to check on nodes with a kernel that is new enough but may lack features; empty if there are none."""
    older = [f"'{name(node)}'" for node in nodes if (_version(_info(node, "kernelVersion")) or LEAST) < ADVISED]
    if not older:
        return ""
    return (
        f"; kernels below {_dotted(ADVISED)} need BTF and batched map reads from their distribution, as RHEL 8 has "
        f"them: where the exporter does not start, look there first: {_some(older)}"
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return "; ".join(names[:NAMED]) + more


def _info(node: Manifest, field: str) -> str:
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get(field) or "")


def _version(kernel: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", kernel)
    return (int(match[1]), int(match[2])) if match else None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
