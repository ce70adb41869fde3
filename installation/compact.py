"""`config/overlays/compact`: all functions that reconcile in one Knative Service, behind one Trigger. Pure.

The functions keep their Roles, which are bound to the one ServiceAccount. `component` returns the kustomize component;
`compacted` does the same to objects in memory, for programs that compare a cluster with what is expected there.
"""

import copy
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from functions.function_catalogue import FUNCTIONS
from installation import account_policies, network, wiring
from installation.admission import POLICY
from installation.installed_objects import Object
from installation.permissions import RBAC
from runtime.declaration import manager
from runtime.plain import as_yaml
from runtime.settings import COMPACT

ACCOUNT = manager(COMPACT)
COMPONENTS = frozenset(function.name for function in FUNCTIONS)
LABEL = "app.kubernetes.io/component"
# API group and kind of each function's objects that the one Service, Trigger and ServiceAccount replace.
REPLACED = (
    ("serving.knative.dev/v1", "Service"),
    ("eventing.knative.dev/v1", "Trigger"),
    ("v1", "ServiceAccount"),
)
BINDINGS = ("ClusterRoleBinding", "RoleBinding")
CONDITION = "account"


def objects() -> list[Object]:
    """Return the objects that the overlay adds."""
    return wiring.compact()


def compacted(manifests: Iterable[Object]) -> list[Object]:
    """Convert manifests with one Service for each function to the compact form."""
    kept = [_changed(manifest) for manifest in manifests if not _is_replaced(manifest)]
    installed = [*kept, *objects()]
    for manifest in installed:
        if manifest["kind"] == network.EVENT_POLICY:
            manifest["spec"]["from"] = _senders()
    return installed


def component() -> Object:
    """Return the kustomize component. It has to be the last one in a list, since it changes what others add."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": ["compact.yaml"],
        "patches": [
            *(_deletion(api_version, kind) for api_version, kind in REPLACED),
            *(
                _json_patch({"group": RBAC, "kind": kind, **_SELECTED}, "/subjects/0/name", ACCOUNT)
                for kind in BINDINGS
            ),
            *(
                _json_patch({"kind": POLICY, "name": name}, "/spec/matchConditions/0/expression", expression)
                for name, expression in _policies().items()
            ),
            _json_patch({"kind": network.EVENT_POLICY}, "/spec/from", _senders()),
        ],
    }


_SELECTED = {"labelSelector": f"{LABEL} in ({','.join(sorted(COMPONENTS))})"}


def _is_functions(manifest: Object) -> bool:
    return (manifest["metadata"].get("labels") or {}).get(LABEL) in COMPONENTS


def _is_replaced(manifest: Object) -> bool:
    return (manifest["apiVersion"], manifest["kind"]) in REPLACED and _is_functions(manifest)


def _changed(manifest: Object) -> Object:
    changed = copy.deepcopy(manifest)
    if manifest["kind"] in BINDINGS and _is_functions(manifest):
        changed["subjects"][0]["name"] = ACCOUNT
    if manifest["kind"] == POLICY and (expression := _policies().get(manifest["metadata"]["name"])):
        changed["spec"]["matchConditions"][0]["expression"] = expression
    return changed


@functools.cache
def _policies() -> Mapping[str, str]:
    """Return the policies on the accounts of functions by name, each with the condition for the one account."""
    changed: dict[str, str] = {}
    for policy in account_policies.policies():
        conditions = (policy.get("spec") or {}).get("matchConditions") or ()
        for condition in conditions[:1]:
            if condition["name"] == CONDITION:
                user, _, _ = condition["expression"].rpartition(":")
                changed[policy["metadata"]["name"]] = f"{user}:{ACCOUNT}'"
    return changed


def _senders() -> list[Object]:
    """Return who may send to the Broker in this form."""
    installed = compacted(manifest for file in wiring.base().values() for manifest in file)
    senders: list[Object] = network.event_policies(installed)[0]["spec"]["from"]
    return senders


def _deletion(api_version: str, kind: str) -> Object:
    group, _, version = api_version.rpartition("/")
    target = {**({"group": group} if group else {}), "version": version, "kind": kind, **_SELECTED}
    patch = {"$patch": "delete", "apiVersion": api_version, "kind": kind, "metadata": {"name": "of-a-function"}}
    return {"target": target, "patch": as_yaml(patch)}


def _json_patch(target: Object, path: str, value: Any) -> Object:
    return {"target": target, "patch": as_yaml([{"op": "replace", "path": path, "value": value}])}
