"""Runs an ApiServerSource as its adapter process, with the configuration that Knative's controller would give it.

From knative eventing v0.50.0, pkg/reconciler/apiserversource: the adapter does not read its own object.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from local import probe
from local.admin_client import Object
from local.layout import Layout
from local.local_errors import ConfigUnusable
from local.ports import EVERYWHERE, Port, Ports
from local.process import ProcessSpec, Stage
from local.topology import Addresses

FAIL_FAST = "features.knative.dev/apiserversource-skip-permissions-check"
SYSTEM_NAMESPACE = "knative-eventing"

# Operators of a label selector's `matchExpressions` -> the string form that a watch takes.
OPERATORS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


def configuration(source: Object) -> Object:
    """Return the value of `K_SOURCE_CONFIG` for an ApiServerSource."""
    spec, meta = source["spec"], source["metadata"]
    everywhere = "namespaceSelector" in spec
    if spec.get("namespaceSelector"):
        raise ConfigUnusable(
            f"ApiServerSource '{meta['name']}': `namespaceSelector` may be absent or empty here: "
            "following namespaces as they come and go takes Knative's controller"
        )
    config: Object = {
        "namespaces": [""] if everywhere else [meta["namespace"]],
        "allNamespaces": everywhere,
        "resources": [_watch(resource) for resource in spec["resources"]],
        "mode": spec.get("mode", "Reference"),
        "failFast": meta.get("annotations", {}).get(FAIL_FAST) == "true",
    }
    return config | {field: spec[field] for field in ("owner", "filters") if field in spec}


def _watch(resource: Object) -> Object:
    group, _, version = resource["apiVersion"].rpartition("/")
    watch: Object = {"gvr": {"Group": group, "Version": version, "Resource": plural(resource["kind"])}}
    if chosen := selector(resource.get("selector") or {}):
        watch["selector"] = chosen
    return watch


def plural(kind: str) -> str:
    """Return the resource name that Knative guesses from a kind (UnsafeGuessKindToResource), with its wrong guesses."""
    name = kind.lower()
    if name.endswith("endpoints"):
        return name
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def selector(labels: Object) -> str:
    """Return a LabelSelector in its string form, sorted by key."""
    terms = [(key, f"{key}={value}") for key, value in labels.get("matchLabels", {}).items()]
    for expression in labels.get("matchExpressions", []):
        values = ",".join(sorted(expression.get("values", [])))
        terms.append(
            (expression["key"], OPERATORS[expression["operator"]].format(key=expression["key"], values=values))
        )
    return ",".join(term for _, term in sorted(terms))


def account(source: Object) -> tuple[str, str]:
    """Return namespace and name of the ServiceAccount that the adapter runs as."""
    return source["metadata"]["namespace"], source["spec"].get("serviceAccountName") or "default"


def part(source: Object, *, kubeconfig: Path, layout: Layout, addresses: Addresses) -> ProcessSpec:
    """Return the adapter process of a source.

    It is ready once all its watches have listed: no change is missed after that.
    """
    meta = source["metadata"]
    config = configuration(source)
    ports: Ports = addresses.ports
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "SYSTEM_NAMESPACE": SYSTEM_NAMESPACE,
        "NAMESPACE": meta["namespace"],
        "NAME": meta["name"],
        "K_SINK": addresses.resolve(source["spec"]["sink"], meta["namespace"]),
        # The controller sets none; without a timeout, a sink that hangs would block the watch forever.
        "K_SINK_TIMEOUT": "60",
        "K_SOURCE_CONFIG": json.dumps(config),
        "K_CE_OVERRIDES": json.dumps(source["spec"].get("ceOverrides", {})),
        # Reflectors log at this level that they have listed.
        "K_KLOG_VERBOSITY": "2",
        "KUBE_API_QPS": "200",
        "KUBE_API_BURST": "400",
        "PROFILING_PORT": str(ports.adapter_profiling),
    }
    name = part_name(source)
    log = layout.log(name)
    return ProcessSpec(
        name,
        Stage.SOURCE,
        (layout.program("adapter"),),
        log,
        probe.logged(log, "Caches populated", count=len(config["resources"])),
        environment,
        (port(source, ports),),
    )


def port(source: Object, ports: Ports) -> Port:
    """Return the one port that an adapter needs."""
    return Port(ports.adapter_profiling, part_name(source), "profiling", EVERYWHERE)


def part_name(source: Object) -> str:
    """Return the name of a source's adapter in `status` and logs."""
    return f"adapter-{source['metadata']['name']}"


def only_one(sources: Iterable[Object]) -> list[Object]:
    """Return the sources, at most one: a second adapter would need another profiling port. Raises ConfigUnusable."""
    manifests = list(sources)
    if len(manifests) > 1:
        names = ", ".join(f"'{manifest['metadata']['name']}'" for manifest in manifests)
        raise ConfigUnusable(f"one ApiServerSource can be run here, but the configuration has {names}")
    return manifests
