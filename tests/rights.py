"""ServiceAccounts that tests act as, and what they may do."""

from local.stack import Stack

RBAC = "rbac.authorization.k8s.io"


def create_account(stack: Stack, namespace: str, name: str) -> None:
    """Creates a ServiceAccount."""
    stack.api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})


def token_of(stack: Stack, namespace: str, account: str, audience: str | None = None) -> str:
    """A token of the ServiceAccount for an audience; without one, for the API server itself."""
    where = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    answer = stack.api.create(where, {"spec": {"audiences": [audience] if audience else []}})
    return str(answer["status"]["token"])


def create_role(stack: Stack, name: str, rule: str, namespace: str = "") -> str:
    """Creates a Role, or without a namespace a ClusterRole, of one rule: `get,list keplers.example.com`. Its kind."""
    verbs, _, written = rule.partition(" ")
    resource, _, group = written.partition(".")
    granted = {"apiGroups": [group], "resources": [resource], "verbs": verbs.split(",")}
    kind = "Role" if namespace else "ClusterRole"
    stack.api.create(_path(kind, namespace), {"metadata": {"name": name}, "rules": [granted]})
    return kind


def bind(stack: Stack, name: str, role: tuple[str, str], account: tuple[str, str], namespace: str = "") -> None:
    """Gives a role (kind, name) to a ServiceAccount (namespace, name): in one namespace, or without one everywhere."""
    bound = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": role[0], "name": role[1]},
        "subjects": [{"kind": "ServiceAccount", "namespace": account[0], "name": account[1]}],
    }
    stack.api.create(_path("RoleBinding" if namespace else "ClusterRoleBinding", namespace), bound)


def _path(kind: str, namespace: str) -> str:
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{RBAC}/v1{within}/{kind.lower()}s"
