"""`status`: everything at a glance."""

from collections.abc import Iterator
from datetime import UTC, datetime

from cli.cluster import Cluster
from cli.errors import Exit, Missing
from cli.glance import HEADINGS, rows
from cli.glance import status as glance
from cli.lookup import INSTALL
from cli.options import Everywhere, Format, Output, Reach
from cli.output import data, remark, table
from runtime.errors import Forbidden
from runtime.objects import KEPLER, MACHINE_CONFIG, OURS, Manifest, Ref, metadata, name


def status(place: Reach, *, all_namespaces: Everywhere = False, output: Output = Format.TABLE) -> int:
    """All Kepler resources: is each Ready, and why, in a sentence.

    Ends with 0 where all are Ready, with 1 where one is not.
    """
    cluster = place.connect()
    found = glance(dict(_listed(cluster, "" if all_namespaces else cluster.namespace)))
    if output is not Format.TABLE:
        data(found, output)
    elif found.resources:
        table(HEADINGS, rows(found, datetime.now(UTC)))
    else:
        where = "any namespace" if all_namespaces else f"namespace '{cluster.namespace}'; -A looks everywhere"
        remark(f"no Kepler resources in {where}")
    return Exit.OK if found.ready else Exit.NO


def _listed(cluster: Cluster, namespace: str) -> Iterator[tuple[Ref, Manifest]]:
    """The resources of a namespace, and those of the cluster as far as the user may list them."""
    for kind in OURS:
        try:
            listed = cluster.known(kind, namespace if kind.namespaced else "")
        except Forbidden:
            if kind is not MACHINE_CONFIG:
                raise
            remark("you may not list keplermachineconfigs: they are left out")
            continue
        if listed is None and kind is KEPLER:
            raise Missing(INSTALL)
        for one in listed or ():
            yield Ref(kind, metadata(one).get("namespace", ""), name(one)), one
