"""What a complete installation of this version has: `config/base`, as the overlays in use leave it. Pure.

An overlay of `config/overlays` is in use if something is there that only it installs. What it changes is then expected,
and no fault. `event-policies` and `monitoring` change nothing that a check compares.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

from cli.function_parts import Installation, Parts
from cli.kinds import ROLE_BINDING
from functions import account_policies, children, installation, openshift, repositories, tenants, wiring
from functions.admission import POLICY
from functions.installed_objects import Object
from functions.permissions import overlay_roles, policy_rule
from runtime.declaration import manager
from runtime.objects import Manifest, Ref, metadata, name
from runtime.settings import NAMESPACE

BROKER_CLASS = "eventing.knative.dev/broker.class"
KAFKA_CLASS = "Kafka"
EVENT_POLICY = "EventPolicy"
AUDIT = manager("audit")

# Objects that were looked for, by kind and name: None is absent, and what may not be read has no entry.
Found = Mapping[tuple[str, str], Manifest | None]


class Overlay(StrEnum):
    """A folder of `config/overlays`."""

    EVENT_POLICIES = "event-policies"
    KAFKA = "kafka"
    MIRROR = "mirror"
    NO_ADMISSION_POLICIES = "no-admission-policies"
    NODES_PROXY = "nodes-proxy"
    OPENSHIFT = "openshift"
    POSTGRES = "postgres"
    TENANTS = "tenants"


# What an overlay adds to the ClusterRole that all exporters share.
EXPORTER_RULES: Mapping[Overlay, Object] = {
    Overlay.NODES_PROXY: policy_rule("", ["nodes/proxy"], ["get"]),
    Overlay.OPENSHIFT: policy_rule(
        "security.openshift.io", ["securitycontextconstraints"], ["use"], names=["privileged"]
    ),
}


def objects(namespace: str, overlays: Iterable[Overlay]) -> tuple[Object, ...]:
    """Return what is expected in the cluster if the functions are in this namespace."""
    return _objects(namespace, frozenset(overlays))


@lru_cache(maxsize=16)
def _objects(namespace: str, overlays: frozenset[Overlay]) -> tuple[Object, ...]:
    found = copy.deepcopy(_base())
    if Overlay.NO_ADMISSION_POLICIES in overlays:
        found = [one for one in found if not one["kind"].startswith(POLICY)]
    if Overlay.OPENSHIFT in overlays:
        found += overlay_roles(openshift.OVERLAY)
    if Overlay.TENANTS in overlays:
        found += tenants.roles()
    for one in found:
        if one["kind"] == "ClusterRole":
            _change_rules(one, overlays)
        if one["kind"] == "Broker" and Overlay.KAFKA in overlays:
            one["metadata"]["annotations"] = {BROKER_CLASS: KAFKA_CLASS}
    return tuple(found if namespace == NAMESPACE else renamed(found, namespace))


@lru_cache(maxsize=1)
def _base() -> list[Object]:
    return [one for file in installation.base().values() for one in file]


def renamed(found: Iterable[Object], namespace: str) -> list[Object]:
    """Return the objects as they are for functions in another namespace.

    The name stands in URIs and in CEL expressions, too, and nothing of ours is named like it: what
    `config/components/namespace` does is the same as replacing the text (`tests/protocol/test_overlays.py`).
    """
    replaced: list[Object] = json.loads(json.dumps([*found]).replace(NAMESPACE, namespace))
    return replaced


def _change_rules(role: Object, overlays: frozenset[Overlay]) -> None:
    """Gives a ClusterRole the rules that it has with these overlays."""
    if Overlay.TENANTS in overlays:
        left = {one["metadata"]["name"]: one["rules"] for one in tenants.cluster_wide()}
        role["rules"] = left.get(role["metadata"]["name"], role["rules"])
    if role["metadata"]["name"] == children.EXPORTER:
        role["rules"] = [*role["rules"], *(EXPORTER_RULES[one] for one in EXPORTER_RULES if one in overlays)]


def tenant_bindings(namespace: str, keplers: Iterable[Manifest]) -> dict[Ref, Manifest]:
    """Return the RoleBindings that overlay `tenants` needs in each namespace with a Kepler; `namespace` is ours."""
    places = sorted({str(metadata(kepler)["namespace"]) for kepler in keplers})
    wanted = renamed(tenants.bindings(), namespace)
    return {Ref(ROLE_BINDING, place, name(binding)): binding for place in places for binding in wanted}


def in_use(found: Found, installed: Installation) -> frozenset[Overlay]:
    """Return the overlays of which something is there; `no-admission-policies` if all policies are absent."""
    exporter = (found.get(("ClusterRole", children.EXPORTER)) or {}).get("rules") or ()
    audit = (installed.parts.get(AUDIT) or Parts()).service
    images = (found.get(("ConfigMap", account_policies.IMAGES)) or {}).get("data")
    broker = metadata(found.get(("Broker", wiring.BROKER)) or {}).get("annotations") or {}
    signs = {
        Overlay.KAFKA: broker.get(BROKER_CLASS) == KAFKA_CLASS,
        Overlay.MIRROR: images is not None and images != dict(repositories.ENVIRONMENT),
        Overlay.NO_ADMISSION_POLICIES: all(one in found and found[one] is None for one in _policies()),
        Overlay.NODES_PROXY: _grants(exporter, EXPORTER_RULES[Overlay.NODES_PROXY]),
        Overlay.POSTGRES: any("valueFrom" in one for one in environment(audit) if one.get("name") == "DATABASE"),
    }
    told = {overlay for overlay, names in _names().items() if any(found.get(one) is not None for one in names)}
    return frozenset(told | {overlay for overlay, sign in signs.items() if sign})


def additions() -> dict[Overlay, list[Object]]:
    """Return, for each overlay that brings objects of its own, these: to find one says that the overlay is in use."""
    return {
        Overlay.EVENT_POLICIES: installation.overlays()["components/event-policies/event-policies.yaml"],
        Overlay.OPENSHIFT: overlay_roles(openshift.OVERLAY),
        Overlay.TENANTS: tenants.roles(),
    }


@lru_cache(maxsize=1)
def _names() -> Mapping[Overlay, tuple[tuple[str, str], ...]]:
    return {overlay: tuple(map(_key, objects)) for overlay, objects in additions().items()}


@lru_cache(maxsize=1)
def _policies() -> tuple[tuple[str, str], ...]:
    return tuple(_key(one) for one in _base() if one["kind"].startswith(POLICY))


def _key(one: Object) -> tuple[str, str]:
    return one["kind"], one["metadata"]["name"]


def _grants(rules: Iterable[Manifest], rule: Object) -> bool:
    return any({*rule["resources"]} <= {*(one.get("resources") or ())} for one in rules)


def environment(service: Manifest | None) -> list[Mapping[str, Any]]:
    """Return the environment variables of a Knative Service's containers."""
    template = ((service or {}).get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or ()
    return [variable for container in containers for variable in container.get("env") or ()]
