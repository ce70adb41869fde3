"""For clusters of many tenants: permissions of `collector` and `model_server` to write, for each namespace.

In `config/base` a ClusterRoleBinding lets each write its own names in every namespace. In `config/overlays/tenants` it
lets each read, report and write to `kepler-cfm` in every namespace, and a RoleBinding in each namespace that allows it
lets it write the rest there. The binding that all exporters share stays cluster-wide.
"""

from functions import collector, model_server
from installation.installed_objects import Object, labels, manifest
from installation.permissions import RBAC, read_write, rules
from operands import children
from runtime.declaration import Function
from runtime.settings import NAMESPACE

FUNCTIONS = (collector.FUNCTION, model_server.FUNCTION)
# Cluster-scoped resources, which are in no Role of a namespace.
SHARED = frozenset({"clusterroles", "clusterrolebindings"})


def cluster_wide() -> list[Object]:
    """Return patches that replace the rules of the ClusterRoles in `config/base` by the cluster-wide part."""
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": function.manager},
            "rules": _split(function)[0],
        }
        for function in FUNCTIONS
    ]


def roles() -> list[Object]:
    """Return one ClusterRole for each function with its writes in a namespace; only RoleBindings refer to it."""
    api = f"{RBAC}/v1"
    return [
        manifest(api, "ClusterRole", _tenant(function), function.name, namespaced=False, rules=_split(function)[1])
        for function in FUNCTIONS
    ]


def bindings(account: str = "") -> list[Object]:
    """Return the RoleBindings for a namespace; they name none, since `kubectl apply -n` sets it.

    `account` is the ServiceAccount of the functions if they share one.
    """
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": function.manager, "labels": labels(function.name)},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": _tenant(function)},
            "subjects": [{"kind": "ServiceAccount", "name": account or function.manager, "namespace": NAMESPACE}],
        }
        for function in FUNCTIONS
    ]


def _tenant(function: Function) -> str:
    return f"{function.manager}-tenant"


def _split(function: Function) -> tuple[list[Object], list[Object]]:
    """Return the rules of a function: those for all namespaces, and those for each namespace."""
    everywhere, there = [], []
    for rule in (part for whole in rules(function) for part in _parts(whole)):
        [resource] = rule["resources"]
        reads, writes = read_write(rule)
        if not writes or resource in SHARED or "/" in resource or rule.get("resourceNames") == [children.CFM]:
            everywhere.append(rule)
            continue
        there += writes
        everywhere += reads
    return everywhere, there


def _parts(rule: Object) -> list[Object]:
    """Return a rule with `kepler-cfm` split off, since that is also written in namespaces without a RoleBinding.

    Writing it is harmless.
    """
    names = rule.get("resourceNames") or []
    if children.CFM not in names or len(names) == 1:
        return [rule]
    others = [name for name in names if name != children.CFM]
    return [{**rule, "resourceNames": [children.CFM]}, {**rule, "resourceNames": others}]
