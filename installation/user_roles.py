"""What users may be given: ClusterRoles that join Kubernetes' own `view`, `edit` and `admin`, and one that joins none.

`view` has list and watch beside get, as everything in Kubernetes' own `view` has: `kubectl get keplers` lists, `kubectl
wait` watches. KeplerMachineConfig is in none of them: it is the whole cluster's, and can reboot its nodes.
"""

from crds.meta import GROUP
from installation.installed_objects import Object, manifest
from installation.permissions import RBAC
from runtime.objects import OURS

VIEW, EDIT, PRIVILEGED = "kepler-view", "kepler-edit", "kepler-privileged"
# Nothing is served under this name: it stands for the fields that `installation.privileges` guards.
RESOURCE, SUBRESOURCE, VERB = "keplers", "privileged", "use"


def roles() -> list[Object]:
    """The three ClusterRoles; a RoleBinding in a namespace gives the last one to whom an administrator trusts."""
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
