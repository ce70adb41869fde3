"""`explain`: why a resource is not Ready, and what to do."""

from cli.collect import Collector
from cli.errors import Exit, Usage
from cli.explain import explain as explained
from cli.explain import lines
from cli.kinds import RECONCILED
from cli.lookup import chosen
from cli.options import ConsoleAt, Format, Name, Output, Reach
from cli.output import data, progress, remark, say


def explain(place: Reach, at: ConsoleAt, *, name: Name = "", output: Output = Format.TABLE) -> int:
    """Why a resource is not Ready, in a sentence, and what to do next; or since when it is, and what runs.

    Ends with 0 where it is Ready, with 1 where it is not.
    """
    cluster = place.connect()
    key = chosen(cluster, name)
    if key.kind not in RECONCILED:
        raise Usage(f"a {key.kind.name} has no state of its own: explain the Kepler that names it")
    resource = cluster.need(key)
    with progress("reading pods, Events, nodes and the functions"):
        found = explained(Collector(cluster).facts(key, resource, console=at.console, token=at.token))
    if output is not Format.TABLE:
        data(found, output)
    else:
        for line in lines(found):
            say(line)
        for line in found.remarks:
            remark(line)
    return Exit.OK if found.ready else Exit.NO
