"""Checks what `config/` installs: definitions, each function's account and permissions, and users' roles. Pure."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from audit.answers.checks import Check, fail, ok, summed, warn
from cli.doctor import expected
from cli.doctor.check import APPLY, ClusterSnapshot, listed, missing_fields
from cli.doctor.expected import Overlay
from crds.crd_files import RESOURCES, definition
from crds.meta import VERSION
from functions.collector import FUNCTION as COLLECTOR
from functions.function_catalogue import FUNCTIONS, LISTENERS
from operands import children
from runtime.conditions import conditions
from runtime.objects import CRD, Manifest, metadata, name

# One permission: API group, resource, verb, and the name it is limited to, if any.
Right = tuple[str, str, str, str]

DEFINITIONS = "definitions"
PERMISSIONS = "permissions"
TENANT_BINDINGS = "config/overlays/tenants/namespace/role-bindings.yaml"
# Prefix of the label that makes a ClusterRole part of one of Kubernetes' own roles.
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def elsewhere(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Yield a failure if the functions are in another namespace than the one that was read: all checks would fail.

    The binding of a function names the namespace of its ServiceAccount.
    """
    if snapshot.installed.parts:
        return
    binding = snapshot.find("ClusterRoleBinding", COLLECTOR.manager) or {}
    places = {str(subject.get("namespace", "")) for subject in binding.get("subjects") or ()} - {""}
    if places and snapshot.namespace not in places:
        place = min(places)
        sentence = f"the functions are in namespace '{place}', and '{snapshot.namespace}' was checked"
        yield fail(
            "installation", sentence, f"add --operator-namespace {place}, or set KEPLER_OPERATOR_NAMESPACE={place}"
        )


def definitions(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check that the four CRDs exist, are served, and have this version's schema."""
    definitions = (_definition(snapshot, name(wanted), wanted) for wanted in _rendered())
    yield from summed(DEFINITIONS, definitions, f"{len(RESOURCES)} kinds are served, in this version's schema")


@cache
def _rendered() -> tuple[Manifest, ...]:
    """Return this version's CRDs. They are rendered once, since that takes a tenth of a second."""
    return tuple(definition(resource) for resource in RESOURCES.values())


def _definition(snapshot: ClusterSnapshot, called: str, wanted: Manifest) -> Check:
    there = snapshot.find(CRD.name, called)
    if not snapshot.may_see(CRD.name, called):
        return warn(DEFINITIONS, f"you may not read '{called}'", "ask for `get customresourcedefinitions`")
    if there is None:
        return fail(DEFINITIONS, f"'{called}' does not exist", APPLY)
    served = [version for version in there["spec"]["versions"] if version["name"] == VERSION and version.get("served")]
    if not served or (conditions(there).get("Established") or {}).get("status") != "True":
        return fail(DEFINITIONS, f"'{called}' is not served as '{VERSION}'", f"{APPLY}; kubectl describe crd {called}")
    if served[0]["schema"] != wanted["spec"]["versions"][0]["schema"]:
        return fail(DEFINITIONS, f"the schema of '{called}' is another version's", APPLY)
    return ok(DEFINITIONS, called)


def permissions(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check the accounts, roles and bindings of the functions, of the exporters and of users."""
    compared: tuple[tuple[str, Comparison], ...] = (
        ("ClusterRole", _role),
        ("Role", _role),
        ("ServiceAccount", _account),
        ("ClusterRoleBinding", _bound),
        ("RoleBinding", _bound),
    )
    checks = [
        check
        for kind, compare in compared
        for manifest in snapshot.wanted(kind)
        for check in _there(snapshot, manifest, compare)
    ]
    hidden = {
        kind: sum(not snapshot.may_see(kind, name(manifest)) for manifest in snapshot.wanted(kind))
        for kind, _ in compared
    }
    if any(hidden.values()):
        kinds = [f"{kind.lower()}s" for kind, count in hidden.items() if count]
        sentence = f"you may not read {sum(hidden.values())} roles, bindings and accounts"
        checks.append(warn(PERMISSIONS, sentence, f"ask for {', '.join(f'`get {kind}`' for kind in kinds)}"))
    checks.extend(_tenants(snapshot))
    well = f"{len(FUNCTIONS) + len(LISTENERS)} functions may do what they need, and no more"
    yield from summed(PERMISSIONS, checks, well)


# Compares an object as it is with the object as it should be.
Comparison = Callable[[ClusterSnapshot, Manifest, Manifest], Iterable[Check]]


def _there(snapshot: ClusterSnapshot, wanted: Manifest, compare: Comparison) -> Iterator[Check]:
    """Yield the checks of an object, or a failure if it is absent; nothing if the user may not read it."""
    kind, called = wanted["kind"], name(wanted)
    if not snapshot.may_see(kind, called):
        return
    there = snapshot.find(kind, called)
    if there is None:
        yield fail(PERMISSIONS, f"{kind} '{called}' does not exist", APPLY)
    else:
        yield from compare(snapshot, there, wanted)


def _role(_seen: ClusterSnapshot, there: Manifest, wanted: Manifest) -> Iterator[Check]:
    called = f"{wanted['kind']} '{name(wanted)}'"
    needed, granted = rights(wanted["rules"]), rights(there.get("rules") or ())
    if lacks := sorted(needed - granted):
        yield fail(PERMISSIONS, f"{called} lacks {_listed_rights(lacks)}", APPLY)
    if more := sorted(granted - needed):
        yield warn(PERMISSIONS, f"{called} has more than its function needs: {_listed_rights(more)}", APPLY)
    labels = metadata(there).get("labels") or {}
    joins = [key for key in metadata(wanted)["labels"] if key.startswith(AGGREGATE)]
    if lost := [key.removeprefix(AGGREGATE) for key in joins if labels.get(key) != "true"]:
        sentence = f"{called} does not join {listed(lost)}, whose users may not use Keplers then"
        yield warn(PERMISSIONS, sentence, APPLY)


def rights(rules: Iterable[Manifest]) -> set[Right]:
    """Return each single permission of these rules."""
    return {
        (group, resource, verb, named)
        for rule in rules
        for group in rule.get("apiGroups") or ("",)
        for resource in rule.get("resources") or ()
        for verb in rule["verbs"]
        for named in rule.get("resourceNames") or ("",)
    }


def _listed_rights(rights: list[Right]) -> str:
    first = ", ".join(f"`{verb} {resource}{f'/{named}' if named else ''}`" for _, resource, verb, named in rights[:3])
    return first + (f" and {len(rights) - 3} more" if len(rights) > 3 else "")


def _account(_seen: ClusterSnapshot, _there: Manifest, _wanted: Manifest) -> Iterable[Check]:
    """Return no check: it is enough that a ServiceAccount exists."""
    return ()


def _bound(snapshot: ClusterSnapshot, there: Manifest, wanted: Manifest) -> Iterator[Check]:
    called = f"{wanted['kind']} '{name(wanted)}'"
    if there.get("roleRef") != wanted["roleRef"]:
        yield fail(PERMISSIONS, f"{called} gives another role", f"{_deletion(wanted)}, then {APPLY}")
    bound = [
        (subject.get("kind"), subject.get("namespace"), subject["name"]) for subject in there.get("subjects") or ()
    ]
    for subject in wanted.get("subjects") or ():
        if (subject["kind"], subject["namespace"], subject["name"]) not in bound:
            yield fail(PERMISSIONS, f"{called} does not name its ServiceAccount '{subject['name']}'", APPLY)
    if name(wanted) == children.EXPORTER:
        yield from _exporters(snapshot, bound)


def _deletion(binding: Manifest) -> str:
    """Return the command that deletes a binding: the API server does not allow a change of its role."""
    namespace = metadata(binding).get("namespace")
    return f"kubectl delete {binding['kind'].lower()} {name(binding)}" + (f" -n {namespace}" if namespace else "")


def _tenants(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check the RoleBindings that overlay `tenants` needs in each namespace with a Kepler."""
    if Overlay.TENANTS not in snapshot.overlays:
        return
    unread = set()
    for ref, wanted in expected.tenant_bindings(snapshot.namespace, snapshot.keplers).items():
        cure = f"kubectl apply -n {ref.namespace} -f {TENANT_BINDINGS}"
        called = f"RoleBinding '{ref.name}' in namespace '{ref.namespace}'"
        there = snapshot.tenant_bindings.get(ref)
        if ref not in snapshot.tenant_bindings:
            unread.add(ref.namespace)
        elif there is None:
            yield fail(PERMISSIONS, f"{called} does not exist: its function may write nothing there", cure)
        elif there.get("roleRef") != wanted["roleRef"]:
            deletion = f"kubectl delete rolebinding {ref.name} -n {ref.namespace}"
            yield fail(PERMISSIONS, f"{called} gives another role", f"{deletion}, then {cure}")
        elif missing_fields(wanted["subjects"], there.get("subjects") or []):
            yield fail(PERMISSIONS, f"{called} does not name its ServiceAccount", cure)
    if unread:
        yield warn(
            PERMISSIONS, f"you may not read RoleBindings in {listed(sorted(unread))}", "ask for `get rolebindings`"
        )


def _exporters(snapshot: ClusterSnapshot, bound: list[tuple[str | None, str | None, str]]) -> Iterator[Check]:
    """Check that the exporters of every Kepler may read what they need."""
    for place in sorted({str(metadata(kepler)["namespace"]) for kepler in snapshot.keplers}):
        if ("ServiceAccount", place, children.ACCOUNT) not in bound:
            yield warn(
                PERMISSIONS,
                f"the exporters in namespace '{place}' may not read pods and node metrics yet",
                f"kubectl kepler explain -n {place}",
            )
