"""`version`: the versions of this program, of the operator in the cluster, and of the API server."""

from cli.command_errors import Exit
from cli.connection.cluster import Cluster
from cli.doctor.knative_services import OF_VERSION
from cli.explanation.collect import FactReader
from cli.kinds import KNATIVE_SERVICE
from cli.options import ClusterOptions, ConsoleOptions, Format, Output
from cli.output import data, remark, say
from cli.versions import Versions, lines, versions
from runtime.objects import metadata
from runtime.settings import VERSION


def version(options: ClusterOptions, console_options: ConsoleOptions, *, output: Output = Format.TABLE) -> int:
    """The version of this program, of the operator in the cluster, and of the API server.

    Ends with 1 where program and operator are of different versions, or functions differ among themselves.
    """
    versions = compared(options.connect(), console_options)
    if output is not Format.TABLE:
        data(versions, output)
    else:
        for line in lines(versions):
            say(line)
        if versions.skew:
            remark(versions.skew)
    return Exit.NO if versions.operator and versions.skew else Exit.OK


def compared(cluster: Cluster, console_options: ConsoleOptions) -> Versions:
    """Return all versions; the operator's by its Knative Services or, if there are none, by the query API."""
    reader = FactReader(cluster)
    services = reader.listed(KNATIVE_SERVICE, cluster.operator_namespace) or ()
    labels = [str((metadata(service).get("labels") or {}).get(OF_VERSION) or "") for service in services]
    operator_versions = [label for label in labels if label]
    if not operator_versions and (state := reader.state(console_options.console, console_options.token)):
        operator_versions = [state.version]
    return versions(VERSION, operator_versions, cluster.version(), tuple(reader.unread))
