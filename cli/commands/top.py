"""`top`: watts by namespace and pod, from the exporters themselves."""

import time
from collections import defaultdict
from typing import Annotated

import typer

from cli.command_errors import Exit, Missing, Unreachable
from cli.connection.exporters import exporters, read
from cli.options import ClusterOptions, Everywhere, Format, Output
from cli.output import data, progress, remark, table
from cli.power import Pod, ordered, watts

HEADINGS = ("NAMESPACE", "POD", "WATTS")

Seconds = Annotated[
    float, typer.Option(min=1, max=600, help="Between the two reads: at least the exporters' `sample-period`.")
]


def top(
    options: ClusterOptions,
    *,
    all_namespaces: Everywhere = False,
    seconds: Seconds = 6.0,
    output: Output = Format.TABLE,
) -> int:
    """The watts of each pod that the exporters of a namespace measure, those first that draw most.

    Without Prometheus: every exporter is read twice. Ends with 1 where one does not answer.
    """
    cluster = options.connect()
    namespace = "" if all_namespaces else cluster.namespace
    pods = exporters(cluster, namespace)
    if not pods:
        where = f"namespace '{namespace}'; -A looks everywhere" if namespace else "any namespace"
        raise Missing(f"no exporter runs in {where}: `kubectl kepler status -A` says why")
    with progress(f"reading {len(pods)} exporters"):
        began, first = time.monotonic(), read(cluster, pods)
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        passed, then = time.monotonic() - began, read(cluster, pods)
    powers: defaultdict[Pod, float] = defaultdict(float)
    for before, after in zip(first, then, strict=True):
        for pod, drawn in watts(before.text, after.text, passed).items() if before.text and after.text else ():
            powers[pod] += drawn
    problems = {answer.pod: answer.problem for answer in (*first, *then) if answer.problem}
    if problems:
        pod_name, problem = next(iter(problems.items()))
        remark(f"{len(problems)} of {len(pods)} exporters are left out, such as '{pod_name}': {problem}")
    if not powers and problems:
        raise Unreachable("no exporter can be read: the line above says why for one of them")
    if not powers:
        remark(
            "the exporters answer, and export no power of pods: KeplerExportedPower needs level 'pod' or 'container'"
        )
    if output is Format.TABLE:
        table(HEADINGS, [(power.namespace, power.pod, f"{power.watts:.2f}") for power in ordered(powers)])
    else:
        data(ordered(powers), output)
    return Exit.NO if problems else Exit.OK
