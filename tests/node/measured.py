"""What a run measured, for the table at its end: seconds by what was waited for, and usage by part."""

import statistics
from collections import defaultdict
from collections.abc import Mapping

from node.usage import ResourceUsage

SECONDS: dict[str, list[float]] = defaultdict(list)
USED: dict[str, Mapping[str, ResourceUsage]] = {}


def seconds(name: str, value: float) -> None:
    """Note how long something took."""
    SECONDS[name].append(value)


def used(name: str, usage: Mapping[str, ResourceUsage]) -> None:
    """Note what was used during something."""
    USED[name] = usage


def table() -> list[str]:
    """Return the lines of the report; empty where nothing was measured."""
    lines = [f"{'seconds':<44}{'median':>8}{'least':>8}{'most':>8}{'n':>4}"] if SECONDS else []
    for name, values in SECONDS.items():
        numbers = (statistics.median(values), min(values), max(values))
        lines.append(f"{name:<44}" + "".join(f"{number:8.2f}" for number in numbers) + f"{len(values):4}")
    for name, usage in USED.items():
        lines += ["", f"{name:<44}{'CPU s':>8}{'MiB':>8}"]
        rows = sorted(usage.items(), key=lambda row: -row[1].cpu)
        lines += [f"{part:<44}{used.cpu:8.1f}{used.memory:8.0f}" for part, used in rows]
        total = sum(usage.values(), ResourceUsage(0.0, 0.0))
        lines.append(f"{'all':<44}{total.cpu:8.1f}{total.memory:8.0f}")
    return lines
