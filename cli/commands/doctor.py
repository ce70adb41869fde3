"""`doctor`: checks that the installation is complete and works."""

from collections.abc import Callable, Iterator

from audit.answers.checks import Check
from cli.command_errors import Exit
from cli.connection.cluster import Cluster
from cli.doctor import delivery, guards, installed, knative_health, knative_services, operation, subscriptions
from cli.doctor.check import HEADINGS, ClusterSnapshot, Diagnosis
from cli.doctor.survey import survey
from cli.options import ClusterOptions, ConsoleOptions, Format, Output
from cli.output import data, progress, say, table
from runtime.settings import VERSION

CHECKS: tuple[Callable[[ClusterSnapshot], Iterator[Check]], ...] = (
    installed.definitions,
    installed.permissions,
    guards.policies,
    guards.overlays,
    knative_health.knative,
    delivery.eventing,
    subscriptions.triggers,
    knative_services.functions,
    operation.sweep,
    operation.letters,
    operation.namespaces,
    operation.resources,
    operation.rights,
)


def doctor(options: ClusterOptions, console_options: ConsoleOptions, *, output: Output = Format.TABLE) -> int:
    """Whether the installation is complete and works: what is missing, what is another version's, what to do.

    Ends with 1 where a check fails; warnings do not count.
    """
    cluster = options.connect()
    with progress("reading the installation"):
        diagnosed = diagnosis(cluster, console=console_options.console, token=console_options.token)
    if output is not Format.TABLE:
        data(diagnosed, output)
    else:
        say(f"kubectl kepler {diagnosed.version}, API server {diagnosed.server}")
        table(HEADINGS, ((check.area, check.level, check.says, check.do) for check in diagnosed.checks))
    return Exit.OK if diagnosed.healthy else Exit.NO


def diagnosis(cluster: Cluster, *, console: str = "", token: str = "") -> Diagnosis:
    """Return the result of all checks on the installation as it is now."""
    snapshot = survey(cluster, console, token)
    checks = tuple(installed.elsewhere(snapshot)) or tuple(line for check in CHECKS for line in check(snapshot))
    healthy = all(check.level != "fail" for check in checks)
    return Diagnosis(healthy=healthy, version=VERSION, server=snapshot.server, checks=checks)
