"""The options that many commands share, each declared once.

A command has a group of them as one parameter (`options: ClusterOptions`). `command` replaces it by its fields for
typer, which has no groups of options.
"""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Annotated, Any, get_type_hints

import typer

from cli.command_errors import UsageError
from cli.connection.cluster import Cluster, ClusterTarget, connect
from cli.connection.login import Impersonation
from cli.manifest_files.kustomize import built
from cli.manifest_files.manifests import ManifestSet, read, read_text
from runtime.settings import NAMESPACE

# The environment variable with the functions' namespace; `--operator-namespace` overrides it.
OPERATOR_NAMESPACE = "KEPLER_OPERATOR_NAMESPACE"


class Format(StrEnum):
    """The formats in which data is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def _namespaces(ctx: typer.Context, incomplete: str) -> list[str]:
    from cli.complete import namespaces  # noqa: PLC0415 (only needed when a shell asks)

    return namespaces(ctx.params, incomplete)


def resource_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names that complete an argument in a shell."""
    from cli.complete import resources  # noqa: PLC0415

    return resources(ctx.params, incomplete)


@dataclass(frozen=True)
class ClusterOptions:
    """The options that choose the cluster, the namespaces and the user."""

    namespace: Annotated[
        str,
        typer.Option("--namespace", "-n", help="Namespace; the context's if left out.", autocompletion=_namespaces),
    ] = ""
    context: Annotated[str, typer.Option(help="Context of the kubeconfig; the current one if left out.")] = ""
    kubeconfig: Annotated[str, typer.Option(help="Kubeconfig to use instead of $KUBECONFIG.")] = ""
    operator_namespace: Annotated[
        str, typer.Option(envvar=OPERATOR_NAMESPACE, help=f"Namespace of the functions; '{NAMESPACE}' if left out.")
    ] = ""

    as_user: Annotated[str, typer.Option("--as", help="User to impersonate, as kubectl does.")] = ""
    as_group: Annotated[list[str] | None, typer.Option("--as-group", help="Group to impersonate; may be repeated.")] = (
        None
    )
    as_uid: Annotated[str, typer.Option("--as-uid", help="UID to impersonate.")] = ""

    @property
    def place(self) -> ClusterTarget:
        """Return the options as a ClusterTarget."""
        acting = Impersonation(self.as_user, tuple(self.as_group or ()), self.as_uid)
        return ClusterTarget(self.kubeconfig, self.context, self.namespace, self.operator_namespace, acting)

    def connect(self) -> Cluster:
        """Return the cluster that these options and the environment name."""
        return connect(self.place, os.environ)


@dataclass(frozen=True)
class ConsoleOptions:
    """The options that choose the query API and the token for it."""

    console: Annotated[
        str,
        typer.Option(envvar="KEPLER_CONSOLE", help="URL of the query API; found by way of the cluster if left out."),
    ] = ""
    token: Annotated[
        str, typer.Option(envvar="KEPLER_TOKEN", help="Bearer token for it; the kubeconfig's if left out.")
    ] = ""


@dataclass(frozen=True)
class ManifestSources:
    """The options that choose where resources are read from: files, or a kustomization."""

    filename: Annotated[
        list[str] | None,
        typer.Option(
            "--filename", "-f", help="File or folder with resources, '-' for standard input; may be repeated."
        ),
    ] = None
    kustomize: Annotated[
        str, typer.Option("--kustomize", "-k", help="Folder of a kustomization, as `kubectl apply -k` takes it.")
    ] = ""
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="Also the folders below a folder.")] = False

    def check(self) -> None:
        """Raise UsageError unless either files or a kustomization are named; --recursive needs files."""
        if bool(self.filename) == bool(self.kustomize) or (self.kustomize and self.recursive):
            raise UsageError(
                "name resources by --filename or --kustomize, one of them; --recursive goes with --filename"
            )

    def read(self, *, namespace: str, forced: bool) -> ManifestSet:
        """Return the resources, as `cli.manifest_files.manifests` reads them."""
        if self.kustomize:
            return read_text(built(self.kustomize), self.kustomize, namespace=namespace, forced=forced)
        return read(self.filename or (), recursive=self.recursive, namespace=namespace, forced=forced)


Output = Annotated[Format, typer.Option("--output", "-o", help="How to print it.")]
Everywhere = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")]
Name = Annotated[
    str,
    typer.Argument(
        help="NAME of a Kepler, or KIND/NAME; may be left out where the namespace has one Kepler.",
        autocompletion=resource_names,
        show_default=False,
    ),
]


def command(run: Callable[..., int]) -> Callable[..., int]:
    """Return `run` with a signature for typer: a parameter that is a dataclass of options is replaced by its fields."""
    hints = get_type_hints(run, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}

    def call(**given: Any) -> int:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        return run(**given, **made)

    call.__name__, call.__doc__ = run.__name__, run.__doc__
    call.__dict__["__signature__"] = inspect.Signature(_parameters(run, hints, groups), return_annotation=int)
    call.__annotations__ = {}
    return call


def _parameters(
    run: Callable[..., int], hints: dict[str, Any], groups: dict[str, type[Any]]
) -> list[inspect.Parameter]:
    """Return the command's own parameters, then those of its groups.

    All are keyword parameters, so their order matters only to the help.
    """
    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=parameter.default, annotation=hints[name])
        for name, parameter in inspect.signature(run).parameters.items()
        if name not in groups
    ]
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=get_type_hints(group, include_extras=True)[field.name],
        )
        for group in groups.values()
        for field in fields(group)
    ]
    return [*own, *shared]
