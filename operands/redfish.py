"""The credentials of the nodes' management controllers (BMCs), which the exporter reads the power of a whole node with.

Kepler reads one file at its start, a line a node, and takes the line of its own node (KEP v0.7.12:pkg/nodecred,
pkg/sensors/platform/source/redfish.go). Only the key with that file is mounted, and only into the exporter.
"""

from typing import Any

from crds.kepler import Kepler

VOLUME = "redfish"
DIRECTORY = "/etc/redfish"
FILE = "redfish.csv"
VARIABLE = "REDFISH_CRED_FILE_PATH"


def volumes(kepler: Kepler) -> list[dict[str, Any]]:
    """The volume with the file; none without a Secret."""
    secret = kepler.spec.collector.redfish.secret
    items = [{"key": FILE, "path": FILE}]
    return [{"name": VOLUME, "secret": {"secretName": secret, "items": items}}] if secret else []


def mounts(kepler: Kepler) -> list[dict[str, Any]]:
    """Where the exporter finds it."""
    wanted = kepler.spec.collector.redfish.secret
    return [{"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True}] if wanted else []


def variables(kepler: Kepler) -> list[dict[str, Any]]:
    """The variable that names the file, unless the user has set it."""
    collector = kepler.spec.collector
    named = any(variable["name"] == VARIABLE for variable in collector.env)
    return [{"name": VARIABLE, "value": f"{DIRECTORY}/{FILE}"}] if collector.redfish.secret and not named else []
