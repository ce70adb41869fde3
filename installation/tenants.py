"""For clusters of many tenants: what `collector` and `model_server` may write, namespace by namespace.

In `config/base` a ClusterRoleBinding lets each write its own names everywhere. In `config/overlays/tenants` it lets
each read, report and write to `kepler-cfm` everywhere, and a RoleBinding in each opened namespace lets it write the
rest there. The binding that all exporters share stays the whole cluster's.
"""

from functions import collector, model_server
from installation.installed_objects import Object, labels, manifest
from installation.permissions import RBAC, read_write, rules
from operands import children
from runtime.declaration import Function
from runtime.settings import NAMESPACE

FUNCTIONS = (collector.FUNCTION, model_server.FUNCTION)
# Of the whole cluster, and so in no Role of a namespace.
SHARED = frozenset({"clusterroles", "clusterrolebindings"})


def cluster_wide() -> list[Object]:
    """The ClusterRoles of `config/base`, with what remains of them: patches that replace all rules."""
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
    """A ClusterRole each with what is written in a namespace; only RoleBindings refer to it."""
    api = f"{RBAC}/v1"
    return [
        manifest(api, "ClusterRole", _tenant(function), function.name, namespaced=False, rules=_split(function)[1])
        for function in FUNCTIONS
    ]


def bindings() -> list[Object]:
    """The RoleBindings for a namespace; they name none, so that `kubectl apply -n` says which."""
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": function.manager, "labels": labels(function.name)},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": _tenant(function)},
            "subjects": [{"kind": "ServiceAccount", "name": function.manager, "namespace": NAMESPACE}],
        }
        for function in FUNCTIONS
    ]


def _tenant(function: Function) -> str:
    return f"{function.manager}-tenant"


def _split(function: Function) -> tuple[list[Object], list[Object]]:
    """The rules of a function: what holds everywhere, and what in a namespace."""
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
    """A rule, with `kepler-cfm` apart: it is harmless, and written also where a namespace is not opened."""
    names = rule.get("resourceNames") or []
    if children.CFM not in names or len(names) == 1:
        return [rule]
    others = [name for name in names if name != children.CFM]
    return [{**rule, "resourceNames": [children.CFM]}, {**rule, "resourceNames": others}]
