"""The volume with the machine's specification: ConfigMap `kepler-machine-spec` as a file for exporter and estimator.

Kepler reads `/etc/kepler/models/machine/spec.json` where that exists (kepler v0.7.12:pkg/config/spec.go), and so does
the estimator (kepler-model-server v0.7.12:src/kepler_model/train/profiler/node_type_index.py). One DaemonSet cannot
give each type of machine a file of its own, so a Kepler names one, and `spec.json` is there when exactly one type is
described.
"""

from typing import Any

from crds.kepler import Kepler
from runtime.objects import CONFIG_MAP, Ref

NAME = "kepler-machine-spec"
# The file that Kepler and the estimator look for, and where.
DIRECTORY, FILE = "/etc/kepler/models/machine", "spec.json"
VOLUME = "machine"


def config_map(key: Ref) -> Ref:
    """Return the ConfigMap that describes the machines, in the namespace of the Kepler `key`."""
    return Ref(CONFIG_MAP, key.namespace, NAME)


def volumes(kepler: Kepler) -> list[dict[str, Any]]:
    """Return the volume with the type of machine that the Kepler names; empty if it names none."""
    named = kepler.spec.collector.machine_spec
    items = [{"key": named, "path": FILE}]
    return [{"name": VOLUME, "configMap": {"name": NAME, "items": items}}] if named else []


def mounts(kepler: Kepler) -> list[dict[str, Any]]:
    """Return where exporter and estimator mount the volume; empty if the Kepler names no type of machine."""
    named = kepler.spec.collector.machine_spec
    return [{"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True}] if named else []
