"""What the API server refuses, and what somebody else made: the steps out of it."""

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

from cli.kinds import CLUSTER_ROLE
from functions import (
    collected_metric,
    collector,
    estimator,
    exported_power,
    machine_spec,
    model_server,
    monitoring,
)
from installation.permissions import WRITES, base_rules
from runtime.adoption import ADOPTED_BY
from runtime.client import path
from runtime.declaration import Function
from runtime.objects import CONFIG_MAP, CRD, DAEMON_SET, KEPLER, MACHINE_CONFIG, SERVICE_MONITOR, Kind, uid
from tests import policies
from tests.offered.common_steps import ESTIMATED, LOCAL, deleted, other, storage_class
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import Act, OfferedState, Step, StepCase
from tests.protocol.test_monitoring_applied import MONITORS
from tests.workbench import kepler

# Functions that write a ConfigMap and wait for no other function, and those that wait for some of them.
WRITING_AT_ONCE: tuple[Function, ...] = (
    collected_metric.FUNCTION,
    exported_power.FUNCTION,
    estimator.FUNCTION,
    model_server.FUNCTION,
    machine_spec.FUNCTION,
)
WAITING: tuple[Function, ...] = (collector.FUNCTION, monitoring.FUNCTION)
OWNERS = tuple(function.condition for function in WRITING_AT_ONCE)
WAITERS = tuple(function.condition for function in WAITING)
# The ConfigMaps of those that write at once.
CFM, MACHINES = (CONFIG_MAP, "kepler-cfm"), (CONFIG_MAP, "kepler-machine-spec")
MAPS = (CFM, MACHINES)
SENTENCE = "every object needs a label team"
M5 = {"m5": {"cores": 96}}
HELM = {"app.kubernetes.io/managed-by": "Helm"}
PLENTY, NONE = "1000", "0"
ANY = "^.*$"


def everything(operated: OperatedNamespace) -> None:
    """A Kepler, and a KeplerMachineConfig that describes machines: every function has something to write."""
    operated.apply(other(MACHINE_CONFIG, "machines", machine_spec=M5))
    operated.apply(kepler(model_server=LOCAL, estimator_sidecar=ESTIMATED))


# Permissions


def forbidden(*functions: Function) -> Act:
    """These functions may write nothing but status."""

    def state(operated: OperatedNamespace) -> None:
        for function in functions:
            operated.obstacles.callback(grant, operated, function, [*base_rules(function)])
            grant(operated, function, [*_without_writes(base_rules(function))])
        everything(operated)

    return state


def granted(*functions: Function) -> Step:
    """Apply the permissions of `config/base`, and run the command."""

    def step(offered: OfferedState) -> None:
        offered.offers("lacks a permission: apply `config/` again", "then run")
        for function in functions:
            grant(offered.operated, function, [*base_rules(function)])
        offered.run("resync")

    return step


def grant(operated: OperatedNamespace, function: Function, rules: list[Any]) -> None:
    """Replace the rules of a function's ClusterRole."""
    where, described = path(CLUSTER_ROLE, "", function.manager), {"name": function.manager}
    body = {"apiVersion": CLUSTER_ROLE.api_version, "kind": CLUSTER_ROLE.name, "metadata": described, "rules": rules}
    operated.stack.api.apply(where, body)


def _without_writes(rules: Iterable[Any]) -> Iterator[Any]:
    for rule in rules:
        reports = any("/status" in resource for resource in rule["resources"])
        verbs = [verb for verb in rule["verbs"] if reports or verb not in WRITES]
        if verbs:
            yield {**rule, "verbs": verbs}


# Policies, quotas and ranges


def refused(kind: Kind) -> Act:
    """A policy takes no objects of this kind."""

    def state(operated: OperatedNamespace) -> None:
        operated.obstacles.enter_context(policies.refusing(operated.stack, operated.namespace, kind, SENTENCE))
        everything(operated)

    return state


def policy_changed(offered: OfferedState) -> None:
    """Have the policy changed, and run the command."""
    offered.offers(SENTENCE, "have the policy changed, then run")
    offered.operated.obstacles.close()
    offered.run("resync")


def quota(operated: OperatedNamespace, resources: Iterable[str], most: str) -> None:
    """A ResourceQuota on these resources, and when it is in force; Secrets tell when."""
    hard = dict.fromkeys((*resources, "count/secrets"), most)
    described = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}}
    operated.apply(described)
    operated.until(lambda: operated.takes({"apiVersion": "v1", "kind": "Secret"}) is (most == PLENTY))


def exceeded(*resources: str) -> Act:
    """A quota that leaves nothing of these resources."""

    def state(operated: OperatedNamespace) -> None:
        quota(operated, resources, NONE)
        everything(operated)

    return state


def raised(*resources: str) -> Step:
    """Have the quota raised, and run the command."""

    def step(offered: OfferedState) -> None:
        offered.offers("have the namespace's ResourceQuota raised, then run")
        quota(offered.operated, resources, PLENTY)
        offered.run("resync")

    return step


def claims_up_to(operated: OperatedNamespace, most: str) -> None:
    """A LimitRange on claims, when it is in force: 3Gi are taken or not."""
    limit = {"type": "PersistentVolumeClaim", "max": {"storage": most}}
    described = {"metadata": {"name": "range"}, "spec": {"limits": [limit]}}
    operated.apply({"apiVersion": "v1", "kind": "LimitRange", **described})
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": size}
    operated.until(lambda: operated.takes(claim) is (most != "1Gi"))


def claim_out_of_range(operated: OperatedNamespace) -> None:
    """A claim of more than the namespace's LimitRange allows."""
    storage_class(operated)
    claims_up_to(operated, "1Gi")
    claim = {"size": "5Gi", "storage-class": "there"}
    operated.apply(kepler(model_server={"enabled": True, "storage": {"type": "claim", "claim": claim}}))


def range_changed(offered: OfferedState) -> None:
    """Have the LimitRange changed, and run the command."""
    offered.offers("`model-server.storage.claim`", "or have that changed, then run")
    claims_up_to(offered.operated, "10Gi")
    offered.run("resync")


def asked_for_less(offered: OfferedState) -> None:
    """Ask for what the message allows."""
    offered.offers("maximum storage usage per PersistentVolumeClaim is 1Gi", "ask for what")
    offered.edit("model-server.storage.claim.size", "1Gi", offered="model-server.storage.claim")


# Values that the API server does not take


def immutable(operated: OperatedNamespace) -> None:
    """Somebody has changed every value in both ConfigMaps and made them immutable."""
    everything(operated)
    for _, called in MAPS:
        there = operated.get(operated.key(CONFIG_MAP, called))
        assert there
        spoilt = {"immutable": True, "data": dict.fromkeys(there["data"], "spoilt")}
        operated.kubectl("patch", "configmap", called, "--type=merge", "-p", json.dumps(spoilt))


def maps_deleted(offered: OfferedState) -> None:
    """Delete the ConfigMaps that the messages name, and run the command."""
    for _, called in MAPS:
        offered.offers(f"delete ConfigMap '{called}' if it was made by hand")
        offered.operated.kubectl("delete", "configmap", called)
    offered.run("resync")


def variable_from_nowhere(operated: OperatedNamespace) -> None:
    """A value that the CRD takes and the DaemonSet's validation does not."""
    operated.apply(kepler(collector={"env": [{"name": "ENABLE_MSR", "valueFrom": {}}]}))


def variable_left_out(offered: OfferedState) -> None:
    """Change the field that the message names: of the DaemonSet, and the Kepler's that it comes from."""
    offered.offers("env[2].valueFrom", "change the field that the message names")
    offered.edit("collector.env", None, offered="collector")


def intervals(operated: OperatedNamespace, pattern: str) -> None:
    """A Prometheus operator that takes only such intervals, when that is in force."""
    changed = copy.deepcopy(MONITORS)
    spec = changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["endpoints"]["items"]["properties"]["interval"] = {"type": "string", "pattern": pattern}
    operated.stack.api.apply(path(CRD, "", changed["metadata"]["name"]), changed)
    monitor = {"apiVersion": SERVICE_MONITOR.api_version, "kind": SERVICE_MONITOR.name}
    probe = {**monitor, "spec": {"endpoints": [{"interval": "31s"}], "selector": {}}}
    operated.until(lambda: operated.takes(probe) is (pattern == ANY))


def unusual_interval(operated: OperatedNamespace) -> None:
    """An interval that the ServiceMonitor's definition does not take."""
    intervals(operated, "^30s$")
    operated.apply(kepler(scrape_interval="31s"))


def usual_interval(offered: OfferedState) -> None:
    """Change the field that the message names."""
    offered.offers("spec.endpoints[0].interval", "change the field that the message names")
    offered.operated.patch(f"{KEPLER.plural}.{KEPLER.group}/kepler", {"spec": {"scrape-interval": "30s"}})
    intervals(offered.operated, ANY)


# Somebody else's objects


def of_helm(*objects: tuple[Kind, str]) -> Act:
    """Objects of a Helm release, and a Kepler that needs their names."""

    def state(operated: OperatedNamespace) -> None:
        for kind, called in objects:
            body: dict[str, Any] = {"apiVersion": kind.api_version, "kind": kind.name}
            spec: dict[str, Any] = {"spec": {"selector": {}, "endpoints": []}} if kind == SERVICE_MONITOR else {}
            operated.apply({**body, "metadata": {"name": called, "labels": HELM}, **spec})
        everything(operated)

    return state


def theirs_deleted(*objects: tuple[Kind, str]) -> Step:
    """Delete what the messages name, and run the command."""

    def step(offered: OfferedState) -> None:
        for kind, called in objects:
            offered.offers(f"{kind.name} '{called}' (managed by 'Helm')", "delete it and run")
            offered.operated.kubectl("delete", f"{kind.plural}", called)
        offered.run("resync")

    return step


def controlled(operated: OperatedNamespace) -> None:
    """A ConfigMap that another controller made."""
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}}
    operated.apply(theirs)
    owner = operated.get(operated.key(CONFIG_MAP, "theirs"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": uid(owner or {}), "controller": True}
    described = {"name": "kepler-model-server-cfm", "ownerReferences": [reference]}
    operated.apply({**theirs, "metadata": described}, kepler(model_server=LOCAL))


def removed_there(offered: OfferedState) -> None:
    """Remove the object where it comes from, and run the command."""
    offered.offers("ConfigMap 'kepler-model-server-cfm'", "belongs to ConfigMap 'theirs': remove it there and run")
    offered.operated.kubectl("delete", "configmap", "theirs", "kepler-model-server-cfm")
    offered.run("resync")


def adopted_by_first(operated: OperatedNamespace) -> None:
    """A ConfigMap of a Helm release that a first Kepler has adopted, and a second Kepler."""
    of_helm((CONFIG_MAP, "kepler-cfm"))(operated)
    operated.kubectl("delete", "keplers.sustainable-computing.io", "kepler")
    first = kepler("first")
    first["metadata"]["annotations"] = {"sustainable-computing.io/adopt": "ConfigMap/kepler-cfm"}
    operated.apply(first)
    operated.apply(kepler())


def adopter_deleted(offered: OfferedState) -> None:
    """Delete the first, and take its mark from the object."""
    deleted(KEPLER, "first", "was adopted by Kepler 'first'")(offered)
    offered.run("annotate", f"{ADOPTED_BY}-")


MONITOR = (SERVICE_MONITOR, "kepler-exporter")
COUNTED = ("count/configmaps",)
COUNTED_LATER = ("count/daemonsets.apps", "count/servicemonitors.monitoring.coreos.com")
CASES = (
    StepCase("Forbidden", OWNERS, forbidden(*WRITING_AT_ONCE), granted(*WRITING_AT_ONCE)),
    StepCase("Forbidden", WAITERS, forbidden(*WAITING), granted(*WAITING)),
    StepCase("RefusedByPolicy", OWNERS, refused(CONFIG_MAP), policy_changed),
    StepCase("RefusedByPolicy", WAITERS[:1], refused(DAEMON_SET), policy_changed),
    StepCase("RefusedByPolicy", WAITERS[1:], refused(SERVICE_MONITOR), policy_changed),
    StepCase("QuotaExceeded", OWNERS, exceeded(*COUNTED), raised(*COUNTED)),
    StepCase("QuotaExceeded", WAITERS, exceeded(*COUNTED_LATER), raised(*COUNTED_LATER)),
    StepCase("LimitRange", (model_server.CONDITION,), claim_out_of_range, range_changed),
    StepCase(
        "LimitRange",
        (model_server.CONDITION,),
        claim_out_of_range,
        asked_for_less,
        name="ask for less",
        leaves=("resync",),
    ),
    # Another case runs the command that removes a field of somebody else's.
    StepCase("Invalid", OWNERS, immutable, maps_deleted, leaves=("--type=json",)),
    StepCase("Invalid", (collector.CONDITION,), variable_from_nowhere, variable_left_out, leaves=("resync",)),
    StepCase("Invalid", (monitoring.CONDITION,), unusual_interval, usual_interval, leaves=("resync",)),
    StepCase(
        "OwnedByAnother",
        (*OWNERS, collector.CONDITION),
        of_helm(*MAPS),
        theirs_deleted(*MAPS),
        leaves=("annotate",),
    ),
    StepCase(
        "OwnedByAnother", (monitoring.CONDITION,), of_helm(MONITOR), theirs_deleted(MONITOR), leaves=("annotate",)
    ),
    StepCase(
        "OwnedByAnother",
        (collector.CONDITION,),
        of_helm(CFM, (Kind("v1", "ServiceAccount", "serviceaccounts"), "kepler")),
        lambda offered: offered.run("annotate", "ServiceAccount/kepler,ConfigMap/kepler-cfm"),
        name="adopt",
        leaves=("resync",),
    ),
    StepCase("OwnedByAnother", (model_server.CONDITION,), controlled, removed_there, name="controlled"),
    StepCase(
        "OwnedByAnother", (collected_metric.CONDITION,), adopted_by_first, adopter_deleted, name="adopted by another"
    ),
    StepCase("Reconciled", (*OWNERS, *WAITERS), everything, still=True),
)
