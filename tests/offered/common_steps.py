"""Resources, acts and steps that several modules of cases share."""

from typing import Any

from functions import status
from runtime.objects import Kind
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import Act, OfferedState, Step
from tests.offered.workload_controllers import NO_PROVISIONER
from tests.workbench import kepler

LOCAL = {"enabled": True}
TRAINED: dict[str, Any] = {"enabled": True, "training": {"online": True}}
ESTIMATED = {"enabled": True}
PODS = (status.AVAILABLE, status.MODEL_SERVER_AVAILABLE)
FIELDS = ("collector", "model-server")
SMALL = {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}}


def other(kind: Kind, called: str, **spec: Any) -> dict[str, Any]:
    """Return a resource of one of our other kinds."""
    return {**kepler(called, **spec), "kind": kind.name}


def applied(*manifests: Any) -> Act:
    """Have objects applied."""
    return lambda operated: operated.apply(*manifests)


def edited(path: str, value: Any, *, offered: str = "") -> Step:
    """Set a field."""
    return lambda state: state.edit(path, value, offered=offered)


def chosen(path: str, value: str) -> Step:
    """Set a field to a value that the message has in quotes."""

    def step(offered: OfferedState) -> None:
        offered.offers(f"'{value}'")
        offered.edit(path, value)

    return step


def run(*parts: str) -> Step:
    """Run the offered command that has these parts."""
    return lambda offered: offered.run(*parts)


def both(field: str, value: Any) -> dict[str, Any]:
    """Return a Kepler with a model server, of which both workloads have this field."""
    return kepler(collector={field: value}, model_server={"enabled": True, field: value})


def edited_both(field: str, value: Any) -> Step:
    """Set the field of both workloads, each by its name."""

    def step(offered: OfferedState) -> None:
        for part in FIELDS:
            offered.edit(f"{part}.{field}", value)

    return step


def storage_class(
    operated: OperatedNamespace, called: str = "there", provisioner: str = "kepler.example/none", **annotations: str
) -> None:
    """A StorageClass, which waits for the first pod if it has no provisioner."""
    on_node = {"volumeBindingMode": "WaitForFirstConsumer"} if provisioner == NO_PROVISIONER else {}
    operated.apply(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": called, "annotations": annotations},
            "provisioner": provisioner,
            **on_node,
        }
    )


def deleted(kind: Kind, called: str, *words: str) -> Step:
    """Delete a resource that the message says to delete."""

    def step(offered: OfferedState) -> None:
        offered.offers(f"delete '{called}'", *words)
        offered.operated.run(f"kubectl -n {offered.operated.namespace} delete {kind.plural}.{kind.group} {called}")

    return step
