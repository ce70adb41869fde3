"""Compares the versions of program and operator, and says what to do if they differ. Pure."""

from collections.abc import Iterable, Iterator

from events.report import EventPart


class Versions(EventPart):
    """`client` is this program's version, `operator` those of the functions, `server` the API server's.

    `skew` says what differs or is unknown, and what to do; empty if all is of one version.
    """

    client: str
    operator: tuple[str, ...]
    server: str
    skew: str


def versions(client: str, operator: Iterable[str], server: str, unread: tuple[str, ...] = ()) -> Versions:
    """Return the versions and how they differ; `unread` is what the user may not read of the functions."""
    running = tuple(sorted(set(operator)))
    return Versions(client=client, operator=running, server=server, skew=_skew(client, running, unread))


def _skew(client: str, operator: tuple[str, ...], unread: tuple[str, ...]) -> str:
    if not operator and unread:
        return f"the operator's version is unknown: you may not list {', '.join(unread)}"
    if not operator:
        return "the operator's version is unknown: no function was found; `kubectl kepler doctor` says more"
    if len(operator) > 1:
        return (
            f"the functions are of versions {', '.join(operator)}: an upgrade is under way, or did not end; apply "
            "`config/` of one version again"
        )
    if operator != (client,):
        return (
            f"`kubectl kepler` is of version {client} and the operator of {operator[0]}: install `kubectl kepler` of "
            f"version {operator[0]}; until then `diff` and `doctor` compare with what {client} would do"
        )
    return ""


def lines(versions: Versions) -> Iterator[str]:
    """Yield the lines that show the versions."""
    yield f"kubectl kepler   {versions.client}"
    yield f"operator         {', '.join(versions.operator) or 'unknown'}"
    yield f"API server       {versions.server}"
