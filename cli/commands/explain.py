"""`explain`: why a resource is not Ready, and what to do; or what others change in an object that functions write."""

from typing import Annotated

import typer

from cli.command_errors import Exit, UsageError
from cli.connection.cluster import Cluster
from cli.explanation.child import explain_child
from cli.explanation.collect import FactReader
from cli.explanation.verdict import Explanation, lines
from cli.explanation.verdict import explain as explained
from cli.kinds import RECONCILED_KINDS, is_child, target
from cli.lookup import find_resource
from cli.options import ClusterOptions, ConsoleOptions, Format, Output, resource_names
from cli.output import data, progress, remark, say

# `Name`, or an object that functions write.
Explained = Annotated[
    str,
    typer.Argument(
        help="NAME of a Kepler, or KIND/NAME, also of what functions write, such as ds/kepler-exporter; may be left "
        "out where the namespace has one Kepler.",
        autocompletion=resource_names,
        show_default=False,
    ),
]


def explain(
    options: ClusterOptions, console_options: ConsoleOptions, *, name: Explained = "", output: Output = Format.TABLE
) -> int:
    """Why a resource is not Ready, in a sentence, and what to do next; or since when it is, and what runs.

    Of an object that functions write: which of its fields others own, and which are put back again and again.
    Ends with 0 where it is Ready, or nobody else owns a field; with 1 where not.
    """
    cluster = options.connect()
    explanation = (
        _of_child(cluster, name, console_options) if is_child(name) else _of_resource(cluster, name, console_options)
    )
    if output is not Format.TABLE:
        data(explanation, output)
    else:
        for line in lines(explanation):
            say(line)
        for line in explanation.remarks:
            remark(line)
    return Exit.OK if explanation.ready else Exit.NO


def _of_resource(cluster: Cluster, name: str, console_options: ConsoleOptions) -> Explanation:
    key = find_resource(cluster, name)
    if key.kind not in RECONCILED_KINDS:
        raise UsageError(f"a {key.kind.name} has no state of its own: explain the Kepler that names it")
    resource = cluster.need(key)
    with progress("reading pods, Events, nodes and the functions"):
        return explained(
            FactReader(cluster).facts(key, resource, console=console_options.console, token=console_options.token)
        )


def _of_child(cluster: Cluster, name: str, console_options: ConsoleOptions) -> Explanation:
    ref = target(name, cluster.namespace)
    with progress("reading the object and its history"):
        return explain_child(
            FactReader(cluster).child(ref, console=console_options.console, token=console_options.token)
        )
