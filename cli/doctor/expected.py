"""The objects of a complete installation of this version: `config/base`, as changed by the overlays in use. Pure.

An overlay of `config/overlays` is in use if an object exists that only it installs. Its changes are then expected, and
not reported. `event-policies` and `monitoring` change nothing that a check compares.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

from cli.explanation.function_parts import Installation, Parts
from cli.kinds import ROLE_BINDING
from installation import account_policies, compact, contents, tenants, wiring
from installation.admission import POLICY
from installation.installed_objects import Object
from installation.permissions import overlay_roles, policy_rule
from operands import children, openshift, repositories
from runtime.declaration import manager
from runtime.objects import Manifest, Ref, metadata, name
from runtime.settings import NAMESPACE

BROKER_CLASS = "eventing.knative.dev/broker.class"
KAFKA_CLASS = "Kafka"
AUDIT = manager("audit")

# Objects that were read, by kind and name: None if absent; no entry if the user may not read it.
ReadObjects = Mapping[tuple[str, str], Manifest | None]


class Overlay(StrEnum):
    """A folder of `config/overlays`."""

    COMPACT = "compact"
    EVENT_POLICIES = "event-policies"
    KAFKA = "kafka"
    MIRROR = "mirror"
    NO_ADMISSION_POLICIES = "no-admission-policies"
    NODES_PROXY = "nodes-proxy"
    OPENSHIFT = "openshift"
    POSTGRES = "postgres"
    TENANTS = "tenants"


# The rule that an overlay adds to the ClusterRole of all exporters.
EXPORTER_RULES: Mapping[Overlay, Object] = {
    Overlay.NODES_PROXY: policy_rule("", ["nodes/proxy"], ["get"]),
    Overlay.OPENSHIFT: policy_rule(
        "security.openshift.io", ["securitycontextconstraints"], ["use"], names=["privileged"]
    ),
}


def objects(namespace: str, overlays: Iterable[Overlay]) -> tuple[Object, ...]:
    """Return the objects that are expected in the cluster if the functions are in this namespace."""
    return _objects(namespace, frozenset(overlays))


@lru_cache(maxsize=16)
def _objects(namespace: str, overlays: frozenset[Overlay]) -> tuple[Object, ...]:
    manifests = copy.deepcopy(_base())
    if Overlay.NO_ADMISSION_POLICIES in overlays:
        manifests = [manifest for manifest in manifests if not manifest["kind"].startswith(POLICY)]
    if Overlay.OPENSHIFT in overlays:
        manifests += overlay_roles(openshift.OVERLAY)
    if Overlay.TENANTS in overlays:
        manifests += tenants.roles()
    for manifest in manifests:
        if manifest["kind"] == "ClusterRole":
            _change_rules(manifest, overlays)
        if manifest["kind"] == "Broker" and Overlay.KAFKA in overlays:
            manifest["metadata"]["annotations"] = {BROKER_CLASS: KAFKA_CLASS}
    if Overlay.COMPACT in overlays:
        manifests = compact.compacted(manifests)
    return tuple(manifests if namespace == NAMESPACE else renamed(manifests, namespace))


@lru_cache(maxsize=1)
def _base() -> list[Object]:
    return [manifest for file in contents.base().values() for manifest in file]


def renamed(manifests: Iterable[Object], namespace: str) -> list[Object]:
    """Return the objects for functions in another namespace.

    The name also appears in URIs and CEL expressions, and no other name contains it. So replacing the text has the same
    result as `config/components/namespace` (`tests/protocol/test_overlays.py`).
    """
    replaced: list[Object] = json.loads(json.dumps([*manifests]).replace(NAMESPACE, namespace))
    return replaced


def _change_rules(role: Object, overlays: frozenset[Overlay]) -> None:
    """Set the rules of a ClusterRole to those that it has with these overlays."""
    if Overlay.TENANTS in overlays:
        left = {role["metadata"]["name"]: role["rules"] for role in tenants.cluster_wide()}
        role["rules"] = left.get(role["metadata"]["name"], role["rules"])
    if role["metadata"]["name"] == children.EXPORTER:
        role["rules"] = [
            *role["rules"],
            *(EXPORTER_RULES[overlay] for overlay in EXPORTER_RULES if overlay in overlays),
        ]


def tenant_bindings(namespace: str, keplers: Iterable[Manifest]) -> dict[Ref, Manifest]:
    """Return the RoleBindings that overlay `tenants` needs in each namespace with a Kepler; `namespace` is ours."""
    places = sorted({str(metadata(kepler)["namespace"]) for kepler in keplers})
    wanted = renamed(tenants.bindings(), namespace)
    return {Ref(ROLE_BINDING, place, name(binding)): binding for place in places for binding in wanted}


def in_use(objects: ReadObjects, installed: Installation) -> frozenset[Overlay]:
    """Return the overlays that have left a sign in the cluster; `no-admission-policies` if all policies are absent."""
    exporter = (objects.get(("ClusterRole", children.EXPORTER)) or {}).get("rules") or ()
    audit = (installed.parts.get(AUDIT) or Parts()).service
    images = (objects.get(("ConfigMap", account_policies.IMAGES)) or {}).get("data")
    broker = metadata(objects.get(("Broker", wiring.BROKER)) or {}).get("annotations") or {}
    signs = {
        Overlay.KAFKA: broker.get(BROKER_CLASS) == KAFKA_CLASS,
        Overlay.MIRROR: images is not None and images != dict(repositories.ENVIRONMENT),
        Overlay.NO_ADMISSION_POLICIES: all(policy in objects and objects[policy] is None for policy in _policies()),
        Overlay.NODES_PROXY: _grants(exporter, EXPORTER_RULES[Overlay.NODES_PROXY]),
        Overlay.POSTGRES: any(
            "valueFrom" in variable for variable in environment(audit) if variable.get("name") == "DATABASE"
        ),
    }
    overlays = {overlay for overlay, names in _names().items() if any(objects.get(name) is not None for name in names)}
    return frozenset(overlays | {overlay for overlay, sign in signs.items() if sign})


def additions() -> dict[Overlay, list[Object]]:
    """Return the objects of each overlay that adds some; if one of them exists, the overlay is in use."""
    return {
        Overlay.COMPACT: compact.objects(),
        Overlay.EVENT_POLICIES: contents.overlays()["components/event-policies/event-policies.yaml"],
        Overlay.OPENSHIFT: overlay_roles(openshift.OVERLAY),
        Overlay.TENANTS: tenants.roles(),
    }


@lru_cache(maxsize=1)
def _names() -> Mapping[Overlay, tuple[tuple[str, str], ...]]:
    return {overlay: tuple(map(_key, objects)) for overlay, objects in additions().items()}


@lru_cache(maxsize=1)
def _policies() -> tuple[tuple[str, str], ...]:
    return tuple(_key(manifest) for manifest in _base() if manifest["kind"].startswith(POLICY))


def _key(manifest: Object) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _grants(rules: Iterable[Manifest], rule: Object) -> bool:
    return any({*rule["resources"]} <= {*(entry.get("resources") or ())} for entry in rules)


def environment(service: Manifest | None) -> list[Mapping[str, Any]]:
    """Return the environment variables of a Knative Service's containers."""
    template = ((service or {}).get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or ()
    return [variable for container in containers for variable in container.get("env") or ()]
