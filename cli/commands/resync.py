"""`resync`: requests that the functions reconcile resources now instead of with the next sweep."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.command_errors import Exit, Missing, UsageError
from cli.connection.broker import send
from cli.connection.cluster import Cluster
from cli.kinds import RECONCILED_KINDS, title
from cli.lookup import find_resource
from cli.options import ClusterOptions, Everywhere, Name
from cli.output import progress, remark, say
from functions.function_catalogue import FUNCTIONS
from runtime.conditions import current
from runtime.deletion import deletion_sentence
from runtime.objects import Manifest, Ref, metadata, name, terminates
from runtime.requests import resync as request

BY = "cli"
INTERVAL = 0.5

All = Annotated[bool, typer.Option("--all", help="Every Kepler and KeplerMachineConfig; with -A, in all namespaces.")]
Wait = Annotated[bool, typer.Option("--wait", help="Until every function has reported on the present generation.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait.")]


def resync(  # noqa: PLR0913 (one parameter an option)
    options: ClusterOptions,
    *,
    name_: Name = "",
    everything: All = False,
    all_namespaces: Everywhere = False,
    wait: Wait = False,
    timeout: Timeout = 60.0,
) -> int:
    """Asks every function to reconcile a resource now, by an event through the Broker.

    Objects that are as they should be are not changed. With --wait it ends with 1 if a function has not reported in
    time.
    """
    if name_ and everything:
        raise UsageError("a NAME and --all exclude each other: leave one out")
    cluster = options.connect()
    namespace = "" if all_namespaces else cluster.namespace
    keys = _all(cluster, namespace) if everything or all_namespaces else [find_resource(cluster, name_)]
    deleting = {key: deletion_sentence(resource) for key in keys if terminates(resource := cluster.need(key))}
    for key, sentence in deleting.items():
        remark(f"{title(key)}: {sentence}: no function reconciles it any more")
    keys = [key for key in keys if key not in deleting]
    if not keys:
        return Exit.NO
    send(cluster, (request(key, by=BY) for key in keys))
    for key in keys:
        say(f"{title(key)}: resync requested")
    return _await(cluster, keys, timeout) if wait else Exit.OK


def _all(cluster: Cluster, namespace: str) -> list[Ref]:
    keys = [
        Ref(kind, metadata(manifest).get("namespace", ""), name(manifest))
        for kind in RECONCILED_KINDS
        for manifest in cluster.known(kind, namespace if kind.namespaced else "") or ()
    ]
    if not keys:
        raise Missing("there is nothing to reconcile: `kubectl kepler status -A` lists what there is")
    return keys


def _await(cluster: Cluster, keys: Sequence[Ref], timeout: float) -> int:
    """Wait until every function has reported on the present generation of all resources; return the exit code."""
    left = list(keys)
    with progress("waiting for the functions") as say_next:
        until = time.monotonic() + timeout
        while left := [key for key in left if late(key, cluster.get(key))]:
            if time.monotonic() > until:
                break
            say_next(f"waiting for the functions at {title(left[0])}, {len(left)} of {len(keys)} left")
            time.sleep(INTERVAL)
    if left:
        for key in left:
            sentence = ", ".join(late(key, cluster.get(key)))
            remark(f"{title(key)}: no report from {sentence} within {timeout:.0f} s; `kubectl kepler explain` says why")
        return Exit.NO
    say("every function has reported")
    return Exit.OK


def late(key: Ref, resource: Manifest | None) -> list[str]:
    """Return the functions that have not reported on the present generation; none if the resource is gone."""
    if resource is None:
        return []
    return [
        function.name
        for function in FUNCTIONS
        if function.parent == key.kind and current(resource, function.condition) is None
    ]
