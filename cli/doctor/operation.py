"""Checks that the operator works: sweeps, dead letters, namespaces, resources, and what the user may do. Pure."""

from collections.abc import Iterator

from audit.answers import checks
from audit.answers.checks import Check, fail, ok, summed, warn
from cli.doctor.check import ClusterSnapshot
from cli.status_rows import status
from runtime.objects import KEPLER, NAMESPACE, Ref, metadata, name
from runtime.settings import VERSION

POD_SECURITY = "pod-security.kubernetes.io/enforce"
PRIVILEGED = "privileged"


def sweep(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check that sweeps run, and that the query API has the version of this program."""
    if snapshot.state is None:
        out = "unknown: the query API is out of reach"
        yield warn("sweep", out, "kubectl kepler history says why; --console names its URL")
        return
    yield from checks.sweep(snapshot.state, snapshot.now, snapshot.namespace)
    if snapshot.state.version != VERSION:
        sentence = f"the query API is of version {snapshot.state.version}, this program of {VERSION}"
        yield warn("functions", sentence, "use the same version of both")


def letters(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check that every event was delivered."""
    if snapshot.letters is None:
        ask = f"ask for `list configmaps` in namespace '{snapshot.namespace}'"
        yield warn("dead letters", "you may not list them", ask)
    else:
        yield from checks.letters(snapshot.letters, snapshot.now)


def namespaces(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check that the namespaces of Keplers allow privileged pods, which exporters are."""
    places = sorted({str(metadata(kepler)["namespace"]) for kepler in snapshot.keplers})
    checks = (check for place in places for check in _namespace(snapshot, place))
    if places:
        yield from summed("namespaces", checks, f"{', '.join(places)}: exporters may run privileged")


def _namespace(snapshot: ClusterSnapshot, place: str) -> Iterator[Check]:
    if not snapshot.may_see(NAMESPACE.name, place):
        yield warn("namespaces", f"you may not read namespace '{place}'", "ask for `get namespaces`")
        return
    labels = metadata(snapshot.find(NAMESPACE.name, place) or {}).get("labels") or {}
    level = labels.get(POD_SECURITY)
    do = f"kubectl label namespace {place} {POD_SECURITY}={PRIVILEGED} --overwrite"
    if level is None:
        sentence = f"'{place}' has no label `{POD_SECURITY}`: exporters run where the cluster's own default allows it"
        yield warn("namespaces", sentence, do)
    elif level != PRIVILEGED:
        yield fail("namespaces", f"'{place}' is `{POD_SECURITY}: {level}`: no exporter can start", do)


def resources(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check that all Keplers are Ready; `explain` says why one is not."""
    if snapshot.listed_in is None:
        ask = "ask for `list keplers`, in your namespace or in all"
        yield warn("resources", "you may not list keplers: whether they are Ready is unknown", ask)
        return
    if snapshot.listed_in:
        sentence = (
            f"you may not list keplers in all namespaces: only those of namespace '{snapshot.listed_in}' are checked"
        )
        yield warn("resources", sentence, "ask for `list keplers` in all namespaces")
    rows = status({Ref(KEPLER, metadata(kepler)["namespace"], name(kepler)): kepler for kepler in snapshot.keplers})
    late = ((resource.namespace, resource.name) for resource in rows.resources if resource.ready != "True")
    yield from checks.resources(late, len(rows.resources))


def rights(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check what the user may do; a missing permission is no fault of the installation."""
    lacks = [right for right, allowed in snapshot.rights.items() if not allowed]
    if lacks:
        yield warn(
            "your rights", f"you may not: {'; '.join(lacks)}", "some commands will say so; ask for what you need"
        )
    elif snapshot.rights:
        yield ok("your rights", f"all {len(snapshot.rights)} that these commands use")
