"""Checks admission policies, their parameters and the NetworkPolicy, and names the overlays in use. Pure."""

import re
from collections.abc import Iterator
from itertools import chain

from audit.answers.checks import Check, fail, ok, summed, warn
from cli.doctor.check import APPLY, ClusterSnapshot, listed, missing_fields, some_paths
from cli.doctor.expected import Overlay, environment
from cli.explanation.function_parts import Parts
from cli.kinds import ADMISSION_POLICY, ADMISSION_POLICY_BINDING, NETWORK_POLICY
from functions.collector import FUNCTION as COLLECTOR
from installation import account_policies
from operands import repositories
from runtime.objects import CONFIG_MAP, Manifest, name

POLICIES, OVERLAYS = "policies", "overlays"
# The first Kubernetes release with kubelets that require `nodes/pods` instead of `nodes/proxy`
# (KubeletFineGrainedAuthz).
FINE_GRAINED = (1, 33)
# The consequence of an overlay that a user should know.
REMARKS = {
    Overlay.NO_ADMISSION_POLICIES: "whoever may edit a Kepler decides what runs privileged",
    Overlay.NODES_PROXY: "a token of an exporter can run commands in all pods",
    Overlay.EVENT_POLICIES: "the Broker refuses `resync` and `dead-letters replay` of this program",
}


def policies(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check the policies by which the API server and the network refuse requests."""
    kinds = (ADMISSION_POLICY, ADMISSION_POLICY_BINDING, NETWORK_POLICY, CONFIG_MAP)
    wanted = [manifest for kind in kinds for manifest in snapshot.wanted(kind.name)]
    hidden = [expected for expected in wanted if not snapshot.may_see(expected["kind"], name(expected))]
    checks = [check for expected in wanted if expected not in hidden for check in _compared(snapshot, expected)]
    if hidden:
        verbs = [
            f"`get {kind.plural}`"
            for kind in kinds
            if any(hidden_object["kind"] == kind.name for hidden_object in hidden)
        ]
        checks.append(warn(POLICIES, f"you may not read {len(hidden)} policies", f"ask for {', '.join(verbs)}"))
    yield from summed(POLICIES, chain(checks, _images(snapshot)), f"{len(wanted)} objects are as this version has them")


def _compared(snapshot: ClusterSnapshot, wanted: Manifest) -> Iterator[Check]:
    called = f"{wanted['kind']} '{name(wanted)}'"
    there = snapshot.find(wanted["kind"], name(wanted))
    level = warn if wanted["kind"] == NETWORK_POLICY.name else fail
    if there is None:
        yield level(POLICIES, f"{called} does not exist: {_lost(wanted)}", APPLY)
    elif paths := missing_fields(wanted.get("spec"), there.get("spec")):
        yield level(POLICIES, f"{called} is not as this version has it: {some_paths(paths)}", APPLY)


def _lost(wanted: Manifest) -> str:
    """Return the consequence if this object is absent."""
    if wanted["kind"] == NETWORK_POLICY.name:
        return "every pod of the cluster may send to the functions"
    if wanted["kind"] == CONFIG_MAP.name:
        return "the policies that read it refuse every exporter and model server"
    return "the API server does not refuse what it forbids"


def _images(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Yield a failure if the functions render images that the policies do not allow."""
    allowed = (snapshot.find(CONFIG_MAP.name, account_policies.IMAGES) or {}).get("data") or {}
    service = (snapshot.installed.parts.get(COLLECTOR.manager) or Parts()).service
    if service is None or not allowed or Overlay.NO_ADMISSION_POLICIES in snapshot.overlays:
        return
    settings = {str(variable.get("name")): str(variable.get("value") or "") for variable in environment(service)}
    if missing := sorted(repositories.allowed(settings) - repositories.allowed(allowed)):
        sentence = (
            f"ConfigMap '{account_policies.IMAGES}' lacks {listed(missing)} of the environment of "
            f"'{COLLECTOR.manager}': the policies refuse images that the functions render"
        )
        yield fail(POLICIES, sentence, "write images in one place: config/overlays/mirror carries them to both")


def overlays(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Yield a line that names the overlays in use, since no check reports their changes; a failure if one is needed."""
    release = _minor(snapshot.server)
    if release and release < FINE_GRAINED and Overlay.NODES_PROXY not in snapshot.overlays:
        needed = f"Kubernetes {snapshot.server} is older than 1.33: its kubelets let exporters list no pods"
        yield fail(
            OVERLAYS, needed, "kubectl apply --server-side -k config/overlays/nodes-proxy (or your overlay with it)"
        )
    if not snapshot.overlays:
        yield ok(OVERLAYS, "none: config/base as it is")
        return
    names = [
        f"{overlay} ({REMARKS[overlay]})" if overlay in REMARKS else str(overlay)
        for overlay in sorted(snapshot.overlays)
    ]
    yield ok(OVERLAYS, f"in use: {', '.join(names)}")


def _minor(version: str) -> tuple[int, int] | None:
    """Return major and minor number of an API server's version, such as 'v1.33.1+k3s1'; None if it has none."""
    match = re.match(r"v(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None
