"""Completion in the shell with names from the cluster; without any if the cluster does not answer.

kubectl runs an executable `kubectl_complete-kepler` for the completions of this plugin, with the words so far as
arguments. It expects the output of cobra: one completion per line, and last a directive, where 4 is "complete no files"
(k8s.io/kubectl v0.35:pkg/cmd/plugin/plugin_completion.go). The script asks as bash does, by typer's own protocol.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cli.connection.cluster import Cluster, ClusterTarget, connect
from cli.connection.login import Impersonation
from cli.kinds import NAMES
from runtime.objects import KEPLER, NAMESPACE, Kind, name

PROGRAM = "kubectl-kepler"
# If a shell sets this variable, the program prints completions instead of running a command.
VARIABLE = "_KUBECTL_KEPLER_COMPLETE"

SCRIPT = f"""#!/bin/sh
# Save as kubectl_complete-kepler in a folder of your PATH, and make it executable.
COMP_WORDS="{PROGRAM} $*" COMP_CWORD=$# {VARIABLE}=complete_bash {PROGRAM}
echo :4
"""


def namespaces(given: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return the names of namespaces that begin with `incomplete`."""
    return _matching(_names_of(given, NAMESPACE), incomplete)


def resources(given: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return the names of Keplers that begin with `incomplete`; after `KIND/`, the names of that kind."""
    before, slash, _ = incomplete.partition("/")
    kind = NAMES.get(before.lower()) if slash else KEPLER
    if kind is None:
        return []
    names = _names_of(given, kind)
    return _matching([f"{before}/{called}" for called in names] if slash else names, incomplete)


def _matching(names: Sequence[str], incomplete: str) -> list[str]:
    return [called for called in names if called.startswith(incomplete)]


def _names_of(given: Mapping[str, Any], kind: Kind) -> list[str]:
    kubeconfig, context, namespace = (str(given.get(name) or "") for name in ("kubeconfig", "context", "namespace"))
    acting = Impersonation(str(given.get("as_user") or ""), tuple(given.get("as_group") or ()))
    place = ClusterTarget(kubeconfig, context, namespace, impersonation=acting)
    return _quietly(lambda: [name(manifest) for manifest in _all(connect(place, os.environ), kind)])


def _all(cluster: Cluster, kind: Kind) -> Iterator[Any]:
    yield from cluster.list(kind, cluster.namespace if kind.namespaced else "")


def _quietly(ask: Callable[[], list[str]]) -> list[str]:
    """Return what `ask` returns; nothing after an error, since a shell that completes shows none."""
    try:
        return ask()
    except Exception:
        return []
