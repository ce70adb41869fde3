"""ClusterRoles for users: two that aggregate to Kubernetes' `view`, `edit` and `admin`, and one that does not.

`view` has list and watch in addition to get, as all of Kubernetes' own `view` has: `kubectl get keplers` lists,
`kubectl wait` watches. KeplerMachineConfig is in none of them: it is cluster-scoped, and can reboot nodes.
"""

from crds.meta import GROUP
from installation.installed_objects import Object, manifest
from installation.permissions import RBAC
from runtime.objects import OURS

VIEW, EDIT, PRIVILEGED = "kepler-view", "kepler-edit", "kepler-privileged"
# The API server serves no such resource: it stands for the fields that `installation.privileges` guards.
RESOURCE, SUBRESOURCE, VERB = "keplers", "privileged", "use"


def roles() -> list[Object]:
    """Return the three ClusterRoles; an administrator grants the last one to trusted users by a RoleBinding."""
    kinds = sorted(kind.plural for kind in OURS if kind.namespaced)
    return [
        _role(VIEW, kinds, ["get", "list", "watch"], ("view",)),
        _role(EDIT, kinds, ["create", "update", "patch", "delete"], ("edit", "admin")),
        _role(PRIVILEGED, [f"{RESOURCE}/{SUBRESOURCE}"], [VERB]),
    ]


def _role(name: str, resources: list[str], verbs: list[str], joins: tuple[str, ...] = ()) -> Object:
    rule = {"apiGroups": [GROUP], "resources": resources, "verbs": verbs}
    role = manifest(f"{RBAC}/v1", "ClusterRole", name, "users", namespaced=False, rules=[rule])
    role["metadata"]["labels"] |= {f"{RBAC}/aggregate-to-{joined}": "true" for joined in joins}
    return role
