"""Formats ages in a short form that the CLI and the console share."""

from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def age(since: datetime, now: datetime) -> str:
    """Return an age as kubectl prints it (k8s.io/apimachinery v0.35:pkg/util/duration/duration.go, HumanDuration)."""
    seconds = max(0, int((now - since).total_seconds()))
    if seconds < 2 * MINUTE:
        return f"{seconds}s"
    if seconds < 3 * HOUR:
        return _two(seconds, MINUTE, "m", 1, "s", 10)
    if seconds < 2 * DAY:
        return _two(seconds, HOUR, "h", MINUTE, "m", 8)
    return _two(seconds, DAY, "d", HOUR, "h", 8)


def _two(seconds: int, size: int, unit: str, small: int, below: str, fine: int) -> str:  # noqa: PLR0913, PLR0917
    """Return a duration in one unit, or in two if it is shorter than `fine` of the larger one."""
    count, rest = divmod(seconds, size)
    part = rest // small
    return f"{count}{unit}{part}{below}" if part and count < fine else f"{count}{unit}"
