"""Credentials of the nodes' management controllers (BMCs), by which the exporter reads the power of a whole node.

Kepler reads one file at its start. For v0.7 it has one line for each node, and the exporter uses the line of its own
node (kepler v0.7.12:pkg/nodecred, pkg/sensors/platform/source/redfish.go); for v0.11 it is YAML with maps `nodes` and
`bmcs` (kepler v0.11.4:config/redfish/config.go). Only the key with that file is mounted, and only into the exporter.
"""

from typing import Any

from crds.kepler import Kepler
from operands import release

VOLUME = "redfish"
DIRECTORY = "/etc/redfish"
FILE = "redfish.csv"
FILE_V011 = "redfish.yaml"
CONFIG_FILE = f"{DIRECTORY}/{FILE_V011}"
FILES = (FILE, FILE_V011)
VARIABLE = "REDFISH_CRED_FILE_PATH"


def volumes(kepler: Kepler) -> list[dict[str, Any]]:
    """Return the volume with the file; empty if the Kepler names no Secret."""
    secret = kepler.spec.collector.redfish.secret
    file = FILE_V011 if release.is_v011(kepler.spec.collector) else FILE
    items = [{"key": file, "path": file}]
    return [{"name": VOLUME, "secret": {"secretName": secret, "items": items}}] if secret else []


def mounts(kepler: Kepler) -> list[dict[str, Any]]:
    """Return where the exporter mounts the file; empty if the Kepler names no Secret."""
    wanted = kepler.spec.collector.redfish.secret
    return [{"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True}] if wanted else []


def variables(kepler: Kepler) -> list[dict[str, Any]]:
    """Return the variable that names the file for v0.7, unless the user has set it."""
    collector = kepler.spec.collector
    named = any(variable["name"] == VARIABLE for variable in collector.env)
    return [{"name": VARIABLE, "value": f"{DIRECTORY}/{FILE}"}] if collector.redfish.secret and not named else []
