"""Objects of a cluster that do not belong to the operator, as their own controllers write them."""

from typing import Any

from runtime.objects import Kind, Manifest


def node(name: str = "n", system: str = "linux", kernel: str = "5.14.0-427.el9", built: str = "amd64") -> Manifest:
    """Return a node as its kubelet describes it."""
    info = {"operatingSystem": system, "kernelVersion": kernel, "architecture": built}
    return {"metadata": {"name": name}, "status": {"nodeInfo": info}}


def pool(role: str = "worker", *, state: str = "Updated", updated: int = 3, **rest: Any) -> dict[str, Any]:
    """Return a MachineConfigPool of three machines that have booted with the MachineConfigs named in `booted`."""
    configs = rest.get("booted", ())
    return {
        "metadata": {"name": role},
        "spec": {"paused": rest.get("paused", False)},
        "status": {
            "machineCount": 3,
            "updatedMachineCount": updated,
            "configuration": {"source": [{"name": "00-worker"}, *({"name": config} for config in configs)]},
            "conditions": [{"type": state, "status": "True", "message": "disk is full"}],
        },
    }


def definition(kind: Kind, established: str = "True", *, served: bool = True) -> Manifest:
    """Return a CustomResourceDefinition as the API server keeps it."""
    return {
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"versions": [{"name": "v1", "served": served}]},
        "status": {"conditions": [{"type": "Established", "status": established}]},
    }
