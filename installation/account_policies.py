"""Admission policies on the functions' own accounts, which limit the damage of a stolen token.

`collector` may write a privileged DaemonSet and `model_server` a Deployment, by name and in any namespace; RBAC cannot
limit more than that. These policies limit them to what they render: that pod, that account, those directories of the
host, images of the allowed repositories, only where the namespace allows privileged pods. Parts that somebody else has
added to a workload are allowed to stay. Not limited are: the directory of the host that `model-server.storage.hostpath`
names, which `installation.privileges` guards where the user writes it; what the image does with its own configuration;
and the namespaces of the ServiceAccounts `kepler` in the shared binding.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from crds.meta import GROUP
from functions import collector, model_server
from installation import container_rules
from installation.admission import AdmissionPolicy, matching
from installation.installed_objects import Object, manifest
from installation.permissions import RBAC
from operands import (
    children,
    exporter,
    exporter_v011,
    model_pod,
    model_store,
    namespaces,
    redfish,
    repositories,
    sidecar,
    web_config,
)
from runtime.adoption import ADOPTED_BY
from runtime.settings import NAMESPACE

# A CEL expression that must hold, and its words in the message.
Rule = tuple[str, str]
IMAGES = "kepler-images"

# The exporter's pods mount one key of a Secret, whatever name the Kepler gives for the Secret.
_SECRETS = " || ".join(
    f"(v.name == '{volume}' && has(v.secret) && v.secret.?items.orValue([]).map(i, i.key) == {json.dumps(keys)})"
    for volume, keys in (
        *((redfish.VOLUME, [file]) for file in redfish.FILES),
        (web_config.VOLUME, [*web_config.FILES]),
    )
)

COLLECTOR, MODEL_SERVER = collector.FUNCTION.manager, model_server.FUNCTION.manager


def images() -> list[Object]:
    """Return a ConfigMap with the settings about images.

    `config/overlays/mirror` copies them into functions and policies.
    """
    return [manifest("v1", "ConfigMap", IMAGES, "admission", data=dict(repositories.ENVIRONMENT))]


def policies() -> list[Object]:
    """Return every policy on the functions' own accounts."""
    policies_of_functions = (*_collector(), *_model_server(), _subjects(), _settings())
    return [manifest for policy in policies_of_functions for manifest in policy.objects()]


def _collector() -> list[AdmissionPolicy]:
    written = [matching("apps", ["daemonsets"]), matching("", ["services", "serviceaccounts"])]
    removed = [matching("", ["configmaps"], ("DELETE",))]
    volumes = [*exporter.volumes({}), *exporter_v011.volumes(gpu=True)]
    paths = sorted({volume["hostPath"]["path"] for volume in volumes if "hostPath" in volume})
    return [
        _of(COLLECTOR, f"{COLLECTOR}-children", written, [_open(), _controlled_or_adopted()]),
        _of(COLLECTOR, f"{COLLECTOR}-deletions", removed, [_controlled("oldObject")]),
        _pods(
            COLLECTOR,
            "daemonsets",
            {children.EXPORTER: container_rules.any_exporter(), sidecar.NAME: container_rules.estimators()},
            [
                (
                    f"variables.pod.?serviceAccountName.orValue('') == '{children.ACCOUNT}'",
                    f"its pods run as ServiceAccount '{children.ACCOUNT}'",
                ),
                _host(["hostNetwork", "hostIPC"]),
                (
                    f"variables.volumes.all(v, !has(v.hostPath) || v.hostPath.path in {json.dumps(paths)})",
                    f"of the host it mounts {', '.join(paths)}",
                ),
                _kinds(["hostPath", "configMap", "downwardAPI", "emptyDir", "projected"], f"({_SECRETS})"),
            ],
        ),
    ]


def _model_server() -> list[AdmissionPolicy]:
    written = [matching("apps", ["deployments"]), matching("", ["services"])]
    removed = [
        matching("apps", ["deployments"], ("DELETE",)),
        matching("", ["services", "configmaps", "persistentvolumeclaims"], ("DELETE",)),
    ]
    return [
        _of(MODEL_SERVER, f"{MODEL_SERVER}-children", written, [_open(), _controlled_or_adopted()]),
        _of(MODEL_SERVER, f"{MODEL_SERVER}-deletions", removed, [_controlled("oldObject")]),
        _model_servers_pods(),
    ]


def _model_servers_pods() -> AdmissionPolicy:
    """Return the policy on pods of the server and its copy from an object store: no token, one host directory."""
    return _pods(
        MODEL_SERVER,
        "deployments",
        {
            model_pod.SERVER: container_rules.program(),
            model_store.PULL: container_rules.copy(),
        },
        [
            (
                "variables.pod.?serviceAccountName.orValue('') in ['', 'default'] && "
                "variables.pod.?automountServiceAccountToken.orValue(true) == false",
                "its pods have no token",
            ),
            _host(["hostNetwork", "hostIPC", "hostPID"]),
            (
                f"variables.volumes.all(v, !has(v.hostPath) || v.name == '{model_store.VOLUME}')",
                f"of the host it mounts one directory, '{model_store.VOLUME}'",
            ),
            (
                f"!variables.every.exists(c, c.name == '{model_store.PULL}') || variables.pod.?volumes.orValue([])"
                f".all(v, v.name != '{model_store.VOLUME}' || !has(v.hostPath))",
                "it copies nothing to the host",
            ),
            (
                f"variables.volumes.all(v, !has(v.persistentVolumeClaim) || "
                f"v.persistentVolumeClaim.claimName == '{children.CLAIM}')",
                f"of claims it mounts '{children.CLAIM}'",
            ),
            _kinds(["hostPath", "configMap", "emptyDir", "nfs", "persistentVolumeClaim"]),
        ],
    )


def _subjects() -> AdmissionPolicy:
    """Return the policy on the binding: it may have the exporters' ServiceAccounts, and subjects that it had before."""
    ours = f"s.kind == 'ServiceAccount' && s.name == '{children.ACCOUNT}'"
    kept = "oldObject.?subjects.orValue([]).exists(o, o == s)"
    rules = [
        (
            f"object.?subjects.orValue([]).all(s, ({ours}) || {kept}) && object.roleRef == oldObject.roleRef",
            f"its subjects are ServiceAccounts '{children.ACCOUNT}'",
        )
    ]
    matched = [matching(RBAC, ["clusterrolebindings"], ("UPDATE",))]
    return _of(COLLECTOR, f"{children.EXPORTER}-subjects", matched, rules)


def _settings() -> AdmissionPolicy:
    """Return the policy that no function may change the allowed images: `dead_letter` may write ConfigMaps there."""
    everything = {**matching("", ["configmaps"], ("CREATE", "UPDATE", "DELETE")), "resourceNames": [IMAGES]}
    ours = f"request.userInfo.username.startsWith('system:serviceaccount:{NAMESPACE}:')"
    refusal = {
        "expression": f"!{ours}",
        "message": f"ConfigMap '{IMAGES}' says which images are allowed: no function changes it",
        "reason": "Forbidden",
    }
    conditions = {"namespace": f"request.namespace == '{NAMESPACE}'"}
    return AdmissionPolicy(IMAGES, [everything], [refusal], conditions=conditions)


def _of(account: str, name: str, matched: list[Object], rules: Iterable[Rule]) -> AdmissionPolicy:
    """Return a policy on requests of one account."""
    username = f"system:serviceaccount:{NAMESPACE}:{account}"
    validations = [
        {
            "expression": expression,
            "message": f"ServiceAccount '{account}' writes only what it renders: {says}",
            "reason": "Forbidden",
        }
        for expression, says in rules
    ]
    conditions = {"account": f"request.userInfo.username == '{username}'"}
    return AdmissionPolicy(name, matched, validations, conditions=conditions)


def _open() -> Rule:
    """Return the rule that the namespace allows privileged pods.

    The API server's cached Namespace may be some milliseconds old. If it refuses a write for that, the function's
    condition says so, and the event about that condition makes the function retry.
    """
    label, value = namespaces.LABEL, namespaces.LABELS[namespaces.LABEL]
    expression = f"namespaceObject.metadata.?labels.orValue({{}})[?'{label}'].orValue('') == '{value}'"
    return expression, f"the namespace has the label '{label}: {value}'"


def _controlled(of: str) -> Rule:
    ours = f"o.apiVersion.startsWith('{GROUP}/') && o.kind == 'Kepler' && o.?controller.orValue(false)"
    return f"{of}.metadata.?ownerReferences.orValue([]).exists(o, {ours})", "its controller is a Kepler"


def _controlled_or_adopted() -> Rule:
    """Return the rule that a Kepler controls the object or, if it existed before, has adopted it."""
    controlled, _ = _controlled("object")
    mark = f"object.metadata.?annotations[?'{ADOPTED_BY}'].orValue('').startsWith('Kepler/')"
    nobodys = "!object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))"
    adopted = f"request.operation == 'UPDATE' && {nobodys} && {mark}"
    return f"{controlled} || ({adopted})", "its controller is a Kepler, or a Kepler has adopted it"


def _host(fields: list[str]) -> Rule:
    """Return the rule that a pod shares no namespaces of the host, except those that it shared before."""
    rules = [
        f"(!variables.pod.?{field}.orValue(false) || variables.before.?{field}.orValue(false))" for field in fields
    ]
    return " && ".join(rules), f"{', '.join(fields)} are off"


def _kinds(kinds: list[str], beside: str = "false") -> Rule:
    """Return the rule that volumes are of these kinds and have no Secrets; `beside` is an exception, in CEL."""
    some = " || ".join(f"has(v.{kind})" for kind in kinds)
    projected = "!has(v.projected) || v.projected.sources.all(s, !has(s.secret))"
    return f"variables.volumes.all(v, ({some}) && ({projected}) || {beside})", f"its volumes are {', '.join(kinds)}"


def _pods(account: str, plural: str, containers: Mapping[str, str], rules: list[Rule]) -> AdmissionPolicy:
    """Return the policy on a workload's pods: whatever this request adds or changes must be as it is rendered."""
    named = "n.split(',').map(i, i.trim())"
    variables = {
        "pod": "object.spec.template.spec",
        "before": "oldObject == null ? dyn({}) : dyn(oldObject.spec.template.spec)",
        "known": "variables.before.?containers.orValue([]) + variables.before.?initContainers.orValue([])",
        "every": "variables.pod.containers + variables.pod.?initContainers.orValue([])",
        "containers": "variables.every.filter(c, !(c in variables.known))",
        "volumes": "variables.pod.?volumes.orValue([]).filter(v, !(v in variables.before.?volumes.orValue([])))",
        "repositories": container_rules.pulled_from("variables.containers.map(c, c.image)"),
        # In single quotes: `config/overlays/mirror` replaces the text between them.
        "images": "[{}]".format(", ".join(f"'{image}'" for image in repositories.ENVIRONMENT.values())),
        "allowed": f"variables.images.map(n, {container_rules.pulled_from(named)})",
    }
    rules = [
        *rules,
        (
            f"variables.containers.all(c, c.name in {json.dumps(list(containers))})",
            f"its containers are {', '.join(containers)}",
        ),
        (
            _each("true", container_rules.nothing_new()),
            "its containers have no hooks, no ports of the host, and no variables from elsewhere",
        ),
        *(
            (_each(f"c.name == '{name}'", rule), f"container '{name}' has its program, its variables and its rights")
            for name, rule in containers.items()
        ),
        (
            "variables.repositories.all(r, variables.allowed.exists(a, r in a))",
            f"images come from the repositories of ConfigMap '{IMAGES}', as the policy was installed with them",
        ),
    ]
    held = _of(account, f"{account}-pods", [matching("apps", [plural])], rules)
    return replace(held, variables=variables)


def _each(which: str, rule: str) -> str:
    """Return a condition on each added or changed container that `which` selects; `container_rules` explains `old`."""
    known = "variables.known.filter(k, k.name == c.name)"
    return f"variables.containers.filter(c, {which}).all(c, [{known}].all(old, {rule}))"
