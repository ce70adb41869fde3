"""`status`: lists all resources and whether each is Ready."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.command_errors import Exit, Missing, UsageError
from cli.connection.cluster import Cluster
from cli.lookup import INSTALL
from cli.options import ClusterOptions, Everywhere, Format, Output
from cli.output import data, one_line_table, remark, unstyled
from cli.status_rows import HEADINGS, OPTIONAL_COLUMNS, ResourceRows, WatchOutput, rows
from cli.status_rows import status as status_rows
from runtime.errors import Forbidden
from runtime.objects import KEPLER, OURS, Kind, Manifest, Ref, metadata, name

# Seconds between two reads of --watch.
INTERVAL = 2.0

Selector = Annotated[
    str, typer.Option("--selector", "-l", help="Only resources with these labels, as kubectl takes them: 'team=a'.")
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Then a line for each change, until Ctrl-C.")]


def status(
    options: ClusterOptions,
    *,
    all_namespaces: Everywhere = False,
    selector: Selector = "",
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> int:
    """All Kepler resources, the worst first: is each Ready, and why, in a line.

    Ends with 0 where all are Ready, with 1 where one is not.
    """
    if watch and output is not Format.TABLE:
        raise UsageError("--watch prints lines for people: leave --output out")
    cluster = options.connect()
    lister = ResourceLister(cluster, "" if all_namespaces else cluster.namespace, selector)
    if watch:
        _watch(lister)
    resource_rows = lister()
    if output is not Format.TABLE:
        data(resource_rows, output)
    elif resource_rows.resources:
        one_line_table(HEADINGS, rows(resource_rows, datetime.now(UTC)), OPTIONAL_COLUMNS)
    else:
        where = "any namespace" if all_namespaces else f"namespace '{cluster.namespace}'; -A looks everywhere"
        remark(f"no Kepler resources{f' with labels {selector!r}' if selector else ''} in {where}")
    return Exit.OK if resource_rows.ready else Exit.NO


def _watch(lister: "ResourceLister") -> None:
    """Print all resources, then each that has changed, until the user interrupts."""
    watch_output = WatchOutput()
    while True:
        unstyled(watch_output.lines(lister(), datetime.now(UTC)))
        sys.stdout.flush()
        time.sleep(INTERVAL)


@dataclass
class ResourceLister:
    """Lists the resources of a namespace and of the cluster that the user may list; says once what is left out."""

    cluster: Cluster
    namespace: str
    selector: str
    remarks_made: set[str] = field(default_factory=set)

    def __call__(self) -> ResourceRows:
        """Return all resources as they are now.

        Raises Forbidden if Keplers may not be listed anywhere, Missing if there is no such kind.
        """
        objects = dict(self._all_objects(self.selector))
        naming = dict(self._objects_of(KEPLER, "")) if self.selector else None
        return status_rows(objects, naming)

    def _all_objects(self, selector: str) -> Iterator[tuple[Ref, Manifest]]:
        for kind in OURS:
            try:
                yield from self._objects_of(kind, selector)
            except Forbidden:
                if kind is KEPLER:
                    raise
                self._remark_once(f"you may not list {kind.plural}: they are left out")

    def _objects_of(self, kind: Kind, selector: str) -> Iterator[tuple[Ref, Manifest]]:
        listed = self._listed(kind, selector)
        if listed is None and kind is KEPLER:
            raise Missing(INSTALL)
        for manifest in listed or ():
            yield Ref(kind, metadata(manifest).get("namespace", ""), name(manifest)), manifest

    def _listed(self, kind: Kind, selector: str) -> tuple[Manifest, ...] | None:
        """Return the objects of a kind; those of the user's own namespace if listing all namespaces is forbidden."""
        requested, own = self.namespace, self.cluster.namespace
        if not kind.namespaced:
            return self.cluster.known(kind, labelled=selector)
        try:
            return self.cluster.known(kind, requested, labelled=selector)
        except Forbidden:
            if requested:
                raise
        listed = self.cluster.known(kind, own, labelled=selector)
        self._remark_once(
            f"you may not list {kind.plural} in all namespaces: only those of namespace '{own}' are shown"
        )
        return listed

    def _remark_once(self, line: str) -> None:
        if line not in self.remarks_made:
            self.remarks_made.add(line)
            remark(line)
