"""`support-bundle`: writes one archive with what somebody else needs to help."""

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from cli import kinds
from cli.command_errors import CliError, Exit, RequestRefused
from cli.commands.doctor import diagnosis
from cli.connection.cluster import Cluster
from cli.connection.console import ConsoleClient, console_client
from cli.dead_letter_rows import ref
from cli.explanation.collect import FactReader
from cli.explanation.verdict import explain
from cli.options import ClusterOptions, ConsoleOptions
from cli.output import progress, say
from cli.support_files import Gathered, by_folder, files
from functions.function_catalogue import FUNCTIONS
from runtime.errors import ApiError
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    EVENT,
    KEPLER,
    NAMESPACE,
    OURS,
    Manifest,
    Ref,
    metadata,
    name,
    uid,
)
from runtime.settings import VERSION

# Generations of each Kepler, with all their reports; report summaries of each namespace.
GENERATIONS, REPORTS = 3, 200
OWN = (kinds.BROKER, kinds.TRIGGER, kinds.EVENT_SOURCE, kinds.CLOCK, kinds.SINK_BINDING, kinds.KNATIVE_SERVICE)
LABELLED = "app.kubernetes.io/name=kepler-on-knative"
# Most dead letters in the archive, the newest first.
LETTERS = 50

File = Annotated[Path | None, typer.Option("--file", "-o", help="Where to write it; named after the time if left out.")]


def bundle(options: ClusterOptions, console_options: ConsoleOptions, *, file: File = None) -> int:
    """One archive with all that somebody else needs to find out what is wrong, without anything secret.

    MANIFEST.json in it says what there is and what was left out. Look through it before you give it away.
    """
    cluster = options.connect()
    with progress("reading resources") as say_next:
        contents = files(gathered(cluster, console_options, say_next))
    path = file or Path(f"kepler-support-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz")
    _write(path, contents)
    say(f"{path}: {len(contents)} files, {path.stat().st_size // 1024 + 1} KiB; MANIFEST.json says what is in it")
    return Exit.OK


def gathered(cluster: Cluster, console_options: ConsoleOptions, say_next: Callable[[str], None]) -> Gathered:
    """Read everything that the user may read; `say_next` is called with what is read next."""
    reader = FactReader(cluster)
    resources = list(_resources(cluster, reader))
    objects = [*resources, *_own(reader)]
    for _, resource in resources:
        if resource["kind"] == KEPLER.name:
            objects += _children(reader, Ref(KEPLER, metadata(resource)["namespace"], name(resource)), resource)
    say_next("reading dead letters")
    letters = tuple(_letters(reader))
    say_next("reading the installation")
    answers: dict[str, BaseModel | list[BaseModel]] = {}
    answers["doctor.json"] = diagnosis(cluster, console=console_options.console, token=console_options.token)
    say_next(f"explaining {len(resources)} resources")
    answers |= dict(_explained(reader, resources, console_options))
    say_next("reading reports")
    answers |= _account(cluster, reader, resources, console_options)
    return Gathered(
        objects=by_folder(objects),
        letters=letters,
        from_audit=answers,
        versions={"kubectl-kepler": VERSION, "kubernetes": cluster.version()},
        unread=tuple(reader.unread),
        confidential=(cluster.token, console_options.token),
    )


def _letters(reader: FactReader) -> Iterator[Manifest]:
    """Yield the newest dead letters. Each is read by itself, since all together may be very large."""
    known = reader.letters() or ()
    for letter in known[:LETTERS]:
        config_map = reader.get(ref(letter.name, reader.cluster.operator_namespace))
        if config_map is not None:
            yield config_map


def _resources(cluster: Cluster, reader: FactReader) -> Iterator[tuple[str, Manifest]]:
    """List resources in all namespaces or, where that is forbidden, in the user's namespace."""
    for kind in OURS:
        objects = reader.listed(kind)
        if objects is None and kind.namespaced:
            objects = reader.listed(kind, cluster.namespace)
        yield from (("resources", manifest) for manifest in objects or ())


def _own(reader: FactReader) -> Iterator[tuple[str, Manifest]]:
    """Yield the objects of the installation: Knative's, roles and bindings."""
    place = reader.cluster.operator_namespace
    for kind in OWN:
        yield from (("installation", manifest) for manifest in reader.listed(kind, place) or ())
    for kind in (kinds.CLUSTER_ROLE, CLUSTER_ROLE_BINDING, kinds.ROLE, kinds.ROLE_BINDING):
        where = place if kind.namespaced else ""
        yield from (("installation", manifest) for manifest in reader.listed(kind, where, labelled=LABELLED) or ())


def _children(reader: FactReader, key: Ref, kepler: Manifest) -> Iterator[tuple[str, Manifest]]:
    """Yield the objects that functions made for a Kepler, its pods, the Events about these, and its namespace."""
    sample = [
        ref for function in FUNCTIONS if function.parent == KEPLER for ref in function.children(key) if ref.namespace
    ]
    children = [child for ref in dict.fromkeys(sample) if (child := reader.get(ref)) is not None]
    instance = f"app.kubernetes.io/instance={name(kepler)}"
    children += reader.listed(kinds.POD, key.namespace, labelled=instance) or ()
    about = {uid(kepler), *(uid(child) for child in children)}
    events = reader.listed(EVENT, key.namespace) or ()
    children += [event for event in events if (event.get("involvedObject") or {}).get("uid") in about]
    namespace = reader.get(Ref(NAMESPACE, "", key.namespace))
    yield from (("children", child) for child in (*children, *([namespace] if namespace else [])))


def _explained(
    reader: FactReader, resources: list[tuple[str, Manifest]], console_options: ConsoleOptions
) -> Iterator[tuple[str, BaseModel]]:
    for _, resource in resources:
        if resource["kind"] == KEPLER.name:
            key = Ref(KEPLER, metadata(resource)["namespace"], name(resource))
            facts = reader.facts(key, resource, console=console_options.console, token=console_options.token)
            yield f"explained/{key.namespace}-{key.name}.json", explain(facts)


def _account(
    cluster: Cluster, reader: FactReader, resources: list[tuple[str, Manifest]], console_options: ConsoleOptions
) -> Mapping[str, "BaseModel | list[BaseModel]"]:
    """Return the reports and traces of all Keplers; nothing if the query API cannot be reached."""
    keys = [
        Ref(KEPLER, metadata(resource)["namespace"], name(resource))
        for _, resource in resources
        if resource["kind"] == KEPLER.name
    ]
    try:
        with console_client(cluster, url=console_options.console, token=console_options.token) as console:
            return dict(_answers_of_audit(console, keys))
    except (CliError, ApiError) as out:
        reader.unread.append(f"reports and traces ({out})")
        return {}


def _answers_of_audit(console: ConsoleClient, keys: list[Ref]) -> Iterator[tuple[str, "BaseModel | list[BaseModel]"]]:
    yield "reports/state.json", console.state()
    for place in dict.fromkeys(key.namespace for key in keys):
        yield f"reports/{place}.json", console.reports(namespace=place, limit=str(REPORTS))
    for key in keys:
        for change in console.history(key, limit=GENERATIONS).items:
            file = f"reports/traces/{key.namespace}-{key.name}-{change.generation}.json"
            yield file, console.trace(change.trace)


def _write(path: Path, contents: Mapping[str, str]) -> None:
    """Write the archive, readable by its owner only: the owner decides who else sees it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as wrong:
        raise RequestRefused(f"'{path}' cannot be written: {wrong.strerror}; choose another by --file") from wrong
    with os.fdopen(handle, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for file, content in contents.items():
            entry = tarfile.TarInfo(f"kepler-support/{file}")
            encoded = content.encode()
            entry.size, entry.mtime, entry.mode = len(encoded), int(datetime.now(UTC).timestamp()), 0o600
            archive.addfile(entry, io.BytesIO(encoded))
