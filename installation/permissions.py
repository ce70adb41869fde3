"""Permissions for exactly what the protocol does for each function: ServiceAccounts, Roles and their bindings.

`config/base` has what a function needs in every cluster, an overlay what it needs only in some clusters.
"""

from collections.abc import Iterable, Iterator

from functions.function_catalogue import FUNCTIONS
from installation.installed_objects import Object, manifest
from runtime.declaration import Function, Permission
from runtime.objects import Ref
from runtime.settings import NAMESPACE

# Verbs that change something.
WRITES = frozenset({"create", "patch", "delete"})
RBAC = "rbac.authorization.k8s.io"


def rules(function: Function) -> Iterator[Object]:
    """Yield the rules for exactly what the protocol does for a function: reads, locked applies, its status."""
    sample = Ref(function.parent, "namespace", "name")
    kept = [ref for ref in function.children(sample) if ref not in function.shared_children]
    patched = {ref for ref in kept if ref in function.patch_only(sample)}
    for kind in sorted({ref.kind for ref in kept}):
        # An apply that creates is a PATCH to a name, so `create` can be limited to names, too; it then permits no POST.
        for verbs, refs in ((["create", "get", "patch"], {*kept} - patched), (["get", "patch"], patched)):
            if names := sorted({ref.name for ref in refs if ref.kind == kind}):
                yield policy_rule(kind.group, [kind.plural], verbs, names)
        removed = sorted(ref.name for ref in function.removes(sample) if ref.kind == kind)
        if removed:
            yield policy_rule(kind.group, [kind.plural], ["delete"], removed)
    for ref in function.shared_children:
        yield policy_rule(ref.kind.group, [ref.kind.plural], ["get", "patch"], [ref.name])
    for ref in function.inputs(sample):
        if ref not in kept:
            yield policy_rule(ref.kind.group, [ref.kind.plural], ["get"], [ref.name])
    for kind in function.reads:
        yield policy_rule(kind.group, [kind.plural], ["get"])
    for kind in function.lists:
        yield policy_rule(kind.group, [kind.plural], ["list"])
    # An event about another object may concern any parent.
    listed = ["list"] if any(wake.kind != function.parent for wake in function.wakes) else []
    yield policy_rule(function.parent.group, [function.parent.plural], ["get", *listed])
    yield policy_rule(function.parent.group, [f"{function.parent.plural}/status"], ["patch"])
    yield from map(_declared, function.rules)


def base_rules(function: Function) -> Iterator[Object]:
    """Yield the rules of a function in `config/base`: all except the writes that an overlay permits."""
    for rule in rules(function):
        yield from [rule] if rule["apiGroups"][0] not in function.overlays else read_write(rule)[0]


def overlay_roles(overlay: str) -> list[Object]:
    """Return a ClusterRole and its binding for each function with writes that only this overlay permits."""
    roles: list[Object] = []
    for function in FUNCTIONS:
        name = f"{function.manager}-{overlay.rpartition('/')[2]}"
        writes = [
            write
            for rule in rules(function)
            if function.overlays.get(rule["apiGroups"][0]) == overlay
            for write in read_write(rule)[1]
        ]
        if writes:
            roles += [role(name, function.name, writes), binding(name, function.name, account=function.manager)]
    return roles


def read_write(rule: Object) -> tuple[list[Object], list[Object]]:
    """Return the read part and the write part of a rule: at most one rule each."""
    verbs = [verb for verb in rule["verbs"] if verb not in WRITES], [verb for verb in rule["verbs"] if verb in WRITES]
    reads, writes = ([{**rule, "verbs": chosen}] if chosen else [] for chosen in verbs)
    return reads, writes


def account_roles(account: str, component: str, granted: Iterable[Permission]) -> Iterator[Object]:
    """Yield the Role of a ServiceAccount in the functions' namespace, its ClusterRole, and their bindings."""
    declared = [*granted]
    for own in (False, True):
        policy_rules = [_declared(rule) for rule in declared if rule.own is own]
        if policy_rules:
            yield role(account, component, policy_rules, namespaced=own)
            yield binding(account, component, account=account, namespaced=own)


def service_account(name: str, component: str) -> Object:
    """Return a ServiceAccount in the functions' namespace."""
    return manifest("v1", "ServiceAccount", name, component)


def policy_rule(group: str, resources: list[str], verbs: list[str], names: list[str] | None = None) -> Object:
    """Return a PolicyRule for resources of one group, limited to `names` if any are given."""
    limited = {"resourceNames": names} if names else {}
    return {"apiGroups": [group], "resources": resources, **limited, "verbs": verbs}


def role(name: str, component: str, policy_rules: list[Object], *, namespaced: bool = False) -> Object:
    """Return a ClusterRole, or with `namespaced` a Role in the functions' namespace."""
    kind = "Role" if namespaced else "ClusterRole"
    return manifest(f"{RBAC}/v1", kind, name, component, namespaced=namespaced, rules=policy_rules)


def binding(name: str, component: str, *, account: str = "", namespaced: bool = False) -> Object:
    """Return the binding of the Role or ClusterRole of the same name to a ServiceAccount; without subjects if blank."""
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}] if account else None
    kind = "Role" if namespaced else "ClusterRole"
    rest = {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}}
    bound = manifest(f"{RBAC}/v1", f"{kind}Binding", name, component, namespaced=namespaced, **rest)
    return bound | ({"subjects": subjects} if subjects else {})


def _declared(rule: Permission) -> Object:
    return policy_rule(rule.group, [rule.resource], list(rule.verbs), list(rule.names))
