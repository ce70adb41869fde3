"""`diff` and `render`: what an apply would change, before it is made."""

from typing import Annotated

import typer

from cli.command_errors import Exit, UsageError
from cli.connection.cluster import DEFAULT_NAMESPACE
from cli.kinds import title
from cli.manifest_files.manifests import ManifestSet
from cli.options import ClusterOptions, Format, ManifestSources, Output
from cli.output import data, documents, progress, remark, say
from cli.prediction import render
from cli.prediction.predict import Prediction, predict_offline, predict_with_cluster
from cli.prediction.predicted_changes import blocked_functions, lines, redacted, sentence
from cli.prediction.predicted_changes import diff as diff_of
from cli.prediction.simulate import ROUNDS
from runtime.plain import as_yaml

FieldManager = Annotated[
    str, typer.Option(help="Compare with `kubectl apply --server-side` under this name, not with the way you applied.")
]
Full = Annotated[bool, typer.Option("--full", help="Also every field of what would be created.")]
ShowValues = Annotated[
    bool,
    typer.Option("--show-values", help="Also what is confidential: values of `env`, passwords, credentials in URLs."),
]
Offline = Annotated[bool, typer.Option("--offline", help="Read no cluster: assume an unmodified installation.")]
Prometheus = Annotated[bool, typer.Option(help="With --offline: whether the Prometheus operator is installed.")]
OpenShift = Annotated[bool, typer.Option("--openshift", help="With --offline: the cluster is OpenShift's.")]


def diff(  # noqa: PLR0913 (one parameter an option)
    sources: ManifestSources,
    options: ClusterOptions,
    *,
    field_manager: FieldManager = "",
    full: Full = False,
    show_values: ShowValues = False,
    output: Output = Format.TABLE,
) -> int:
    """What `kubectl apply` would change: the resource itself, and all that the functions would do about it.

    Writes nothing. Confidential values are hidden, in every format, unless --show-values is given.
    Ends with 0 if nothing differs, with 1 if something does, and with a higher code after an error.
    """
    sources.check()
    cluster = options.connect()
    files = sources.read(namespace=cluster.namespace, forced=bool(options.namespace))
    with progress("deciding as every function would"):
        prediction = predict_with_cluster(cluster, files, manager=field_manager)
    compared = diff_of(prediction)
    shown = compared if show_values else redacted(compared, prediction)
    _remark(files, prediction)
    if output is not Format.TABLE:
        data(shown, output)
    else:
        for line in lines(shown, full=full):
            say(line)
    return Exit.NO if shown.objects else Exit.OK


def render_command(  # noqa: PLR0913
    sources: ManifestSources,
    options: ClusterOptions,
    *,
    offline: Offline = False,
    prometheus_operator: Prometheus = True,
    openshift: OpenShift = False,
    output: Output = Format.YAML,
) -> int:
    """The objects that the functions would have in the cluster for these resources.

    Ends with 1 where a function would not do its part; which one, and why, is on standard error.
    """
    if output is Format.TABLE:
        raise UsageError("objects are no table: use --output yaml or json")
    sources.check()
    named = options.namespace or DEFAULT_NAMESPACE
    if offline:
        files = sources.read(namespace=named, forced=bool(options.namespace))
        prediction = predict_offline(files, prometheus=prometheus_operator, with_openshift=openshift)
    else:
        cluster = options.connect()
        files = sources.read(namespace=cluster.namespace, forced=bool(options.namespace))
        with progress("deciding as every function would"):
            prediction = predict_with_cluster(cluster, files)
    _remark(files, prediction)
    return _print(prediction, output)


def _print(prediction: Prediction, output: Format) -> int:
    objects = render.intended_objects(prediction)
    if output is Format.JSON:
        documents(render.as_list(objects), output)
    else:
        typer.echo(render.with_separators(as_yaml(manifest) for manifest in objects), nl=False)
    refusals = blocked_functions(prediction.simulated.decisions)
    for blocked in refusals:
        remark(sentence(blocked))
    return Exit.NO if refusals else Exit.OK


def _remark(files: ManifestSet, prediction: Prediction) -> None:
    """Print to standard error what the result assumes or leaves out."""
    for line in prediction.remarks:
        remark(line)
    if files.others:
        remark(f"not ours, and left to `kubectl diff`: {', '.join(files.others)}")
    for ref in files.repeated:
        remark(f"{title(ref)} is in the files more than once: the last one counts")
    if not prediction.simulated.rested:
        remark(f"the functions still write after {ROUNDS} rounds in memory: the result shows their writes so far")
