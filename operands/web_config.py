"""TLS of the exporter's port: a Secret with a web configuration file and the files that it names.

Kepler v0.11 passes the file to Prometheus' exporter toolkit (kepler v0.11.4:internal/server/server.go). Only three keys
of the Secret are mounted, and only into the exporter.
"""

from typing import Any, Final

from crds.kepler import Kepler
from operands import children, release

VOLUME: Final = "web-config"
DIRECTORY: Final = "/etc/kepler-web"
FILE: Final = "web-config.yaml"
FILES: Final = (FILE, "tls.crt", "tls.key")
# Key of the Secret with the authority that Prometheus trusts.
AUTHORITY: Final = "ca.crt"


def volumes(kepler: Kepler) -> list[dict[str, Any]]:
    """Return the volume with the files; empty if the Kepler names no Secret."""
    secret = kepler.spec.collector.web_config.secret
    items = [{"key": file, "path": file} for file in FILES]
    return [{"name": VOLUME, "secret": {"secretName": secret, "items": items}}] if secret else []


def mounts(kepler: Kepler) -> list[dict[str, Any]]:
    """Return where the exporter mounts the files; empty if the Kepler names no Secret."""
    wanted = kepler.spec.collector.web_config.secret
    return [{"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True}] if wanted else []


def endpoint(kepler: Kepler) -> dict[str, Any]:
    """Return the fields of a ServiceMonitor's endpoint by which Prometheus asks; empty for plain HTTP."""
    collector = kepler.spec.collector
    secret = collector.web_config.secret
    if not secret or not release.is_v011(collector):
        return {}
    trusted = {"secret": {"name": secret, "key": AUTHORITY}}
    name = f"{children.EXPORTER}.{kepler.namespace}.svc"
    return {"scheme": "https", "tlsConfig": {"ca": trusted, "serverName": name}}
