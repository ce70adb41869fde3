"""What Kubernetes' own `view`, `edit` and `admin` may do with our resources, and what they may not give themselves.

There are no controllers here that aggregate roles, so users have the parts that `view`, `edit` and `admin` are made of:
Kubernetes' own, and ours by the labels that make them parts.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from installation import user_roles
from local.kubectl import Kubectl
from local.local_errors import CommandFailed
from local.stack import Stack
from operands import namespaces
from tests.workbench import create_namespace

PLACE = "user-roles"
KINDS = ("keplers", "keplercollectedmetrics", "keplerexportedpowers")
LOOK = ("get", "list", "watch")
CHANGE = ("create", "update", "patch", "delete")
# Each of Kubernetes' own joins the one before it.
LEVELS = ("view", "edit", "admin")


@pytest.fixture(scope="module")
def users(control_plane: Stack) -> dict[str, Kubectl]:
    """One for each of Kubernetes' roles for users, by its name; each also has what the ones before it have."""
    create_namespace(control_plane, PLACE, {})
    shipped = json.loads(control_plane.kubectl("get", "clusterroles", "-o", "json"))["items"]
    document = {}
    for level in LEVELS:
        control_plane.kubectl("-n", PLACE, "create", "serviceaccount", level)
        for part in LEVELS[: LEVELS.index(level) + 1]:
            for role in (manifest["metadata"]["name"] for manifest in shipped if joins(manifest, part)):
                subject = f"--serviceaccount={PLACE}:{level}"
                name = f"{level}-{part}-{role.replace(':', '-')}"
                bind = ("create", "rolebinding", name, f"--clusterrole={role}", subject)
                control_plane.kubectl("-n", PLACE, *bind)
        kubeconfig = control_plane.kubeconfig_for(PLACE, level)
        document[level] = Kubectl(
            control_plane.layout.program("kubectl"), kubeconfig, control_plane.layout.state / level
        )
    return document


def joins(role: dict[str, Any], level: str) -> bool:
    """Whether a ClusterRole is a part of one of Kubernetes' own."""
    labels = role["metadata"].get("labels") or {}
    return labels.get(f"rbac.authorization.k8s.io/aggregate-to-{level}") == "true"


def may(kubectl: Kubectl, verb: str, what: str, subresource: str = "") -> bool:
    """`kubectl auth can-i`, which exits with 1 for no."""
    try:
        return kubectl("auth", "can-i", verb, what, "-n", PLACE, f"--subresource={subresource}").strip() == "yes"
    except CommandFailed:
        return False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
def test_who_sees_and_who_changes(users: dict[str, Kubectl], level: str, kind: str) -> None:
    """`view` looks, and lists and watches as well; `edit` and `admin` change, too."""
    resource = f"{kind}.sustainable-computing.io"
    assert all(may(users[level], verb, resource) for verb in LOOK)
    assert [may(users[level], verb, resource) for verb in CHANGE] == [level != "view"] * len(CHANGE)


@pytest.mark.parametrize("level", LEVELS)
def test_nobody_may_use_what_is_privileged_by_itself(users: dict[str, Kubectl], level: str) -> None:
    """Neither the verb, nor a status, nor the whole cluster's machines."""
    assert not may(users[level], "use", "keplers.sustainable-computing.io", "privileged")
    assert not may(users[level], "patch", "keplers.sustainable-computing.io", "status")
    assert not any(may(users[level], verb, "keplermachineconfigs.sustainable-computing.io") for verb in CHANGE)


RULE = {"apiGroups": ["sustainable-computing.io"], "resources": ["keplers/privileged"], "verbs": ["use"]}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "mine"},
    "rules": [RULE],
}
ATTEMPTS: dict[str, Callable[[Kubectl], str]] = {
    "bind": lambda it: it(
        *("-n", PLACE, "create", "rolebinding", "mine", f"--clusterrole={user_roles.PRIVILEGED}"),
        f"--serviceaccount={PLACE}:admin",
    ),
    "role": lambda it: it("-n", PLACE, "create", "-f", "-", stdin=json.dumps(ROLE)),
    "label": lambda it: it("label", "namespace", PLACE, f"{namespaces.LABEL}=privileged"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_admin_of_a_namespace_cannot_give_the_right(users: dict[str, Kubectl], attempt: str) -> None:
    """Nor open the namespace: whoever may not use something cannot let others use it."""
    with pytest.raises(CommandFailed, match="orbidden"):
        ATTEMPTS[attempt](users["admin"])
