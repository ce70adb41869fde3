"""What admission policies are tried with: users who have some rights, and a wait until the policies are in force."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.local_errors import CommandFailed
from local.stack import Stack
from runtime.client import APPLY, ApiResponse, Request, Transport, path
from runtime.objects import KEPLER, Kind, Manifest, Ref
from runtime.transport import connect
from tests.rights import bind, create_account
from tests.workbench import create_namespace, kepler

PATIENCE = 30.0
PROBE = "policies-probe"


@dataclass(frozen=True)
class PolicyUser:
    """Somebody with a token, who tries things without doing them."""

    name: str
    namespace: str
    send: Transport

    def tries(self, manifest: Manifest, kind: Ref) -> ApiResponse:
        """Server-side apply as a dry run: all that admission says, and nothing written."""
        query = {"fieldManager": "tests", "force": "true", "dryRun": "All", "fieldValidation": "Strict"}
        return self.send(Request("PATCH", path(kind.kind, kind.namespace, kind.name), query, manifest, APPLY))


def user(stack: Stack, namespace: str, name: str, *roles: str) -> PolicyUser:
    """A ServiceAccount with these ClusterRoles in its namespace."""
    create_account(stack, namespace, name)
    for role in roles:
        bind(stack, f"{name}-{role}", ("ClusterRole", role), (namespace, name), namespace)
    kubeconfig = stack.kubeconfig_for(namespace, name)
    return PolicyUser(name, namespace, connect({"KUBECONFIG": str(kubeconfig)}, user_agent="tests"))


def await_force(stack: Stack) -> None:
    """Waits until the policies refuse: the API server puts new ones into force some moments after they are made."""
    create_namespace(stack, PROBE)
    probe = user(stack, PROBE, "probe", "kepler-edit", "kepler-view")
    refused = kepler(collector={"image": "kepler:1"})
    _await(lambda: probe.tries(refused, Ref(KEPLER, PROBE, "kepler")).status == 403)


def _await(true: Any) -> None:
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends, "the admission policies are not in force"
        time.sleep(0.1)


POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
WRITING = ("CREATE", "UPDATE")


@contextmanager
def refusing(
    stack: Stack, namespace: str, kind: Kind, sentence: str, operations: tuple[str, ...] = WRITING
) -> Iterator[None]:
    """While this is entered, an admission policy refuses a kind of object in a namespace, with this sentence.

    It refuses new Secrets there, too, by which one sees that it is in force, and that it is not any more.
    """
    name = f"{namespace}-{kind.plural}"
    described = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    refused = {"apiGroups": [kind.group], "apiVersions": [kind.version], "resources": [kind.plural]}
    seen = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE"]}
    spec = {
        "matchConstraints": {
            "resourceRules": [{**refused, "operations": [*operations]}, seen],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        },
        "validations": [{"expression": "false", "message": sentence}],
    }
    bound = {"policyName": name, "validationActions": ["Deny"]}
    stack.api.create(POLICIES, {**described, "kind": "ValidatingAdmissionPolicy", "spec": spec})
    stack.api.create(BINDINGS, {**described, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound})
    try:
        _await(lambda: _refuses(stack, namespace))
        yield
    finally:
        stack.api.delete(f"{BINDINGS}/{name}")
        stack.api.delete(f"{POLICIES}/{name}")
        _await(lambda: not _refuses(stack, namespace))


def _refuses(stack: Stack, namespace: str) -> bool:
    try:
        stack.api.create(f"/api/v1/namespaces/{namespace}/secrets?dryRun=All", {"metadata": {"name": PROBE}})
    except CommandFailed:
        return True
    return False
