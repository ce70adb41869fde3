"""Finds the resource that a command is about; the user may leave its name out."""

from cli.command_errors import Missing, UsageError
from cli.connection.cluster import Cluster
from cli.kinds import parse_ref
from runtime.objects import KEPLER, Ref, name

INSTALL = "the cluster knows no Kepler: kubectl apply --server-side -k config/base"


def find_resource(cluster: Cluster, word: str) -> Ref:
    """Return the resource that `word` names or, if it is empty, the only Kepler of the namespace.

    Raises Missing if there is none, UsageError if there are several.
    """
    if word:
        return parse_ref(word, cluster.namespace)
    keplers = cluster.known(KEPLER, cluster.namespace)
    if keplers is None:
        raise Missing(INSTALL)
    if not keplers:
        raise Missing(f"there is no Kepler in namespace '{cluster.namespace}': choose another with --namespace")
    if len(keplers) > 1:
        names = ", ".join(name(kepler) for kepler in keplers)
        raise UsageError(f"namespace '{cluster.namespace}' has several Keplers ({names}): name one")
    return Ref(KEPLER, cluster.namespace, name(keplers[0]))
