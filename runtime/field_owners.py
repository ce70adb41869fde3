"""Finds fields of our children that somebody else owns: which, who set them, and when.

The API server records in `metadata.managedFields` who last set which field. The functions leave fields alone that they
do not set: such a field stays, and pods run with it. So it is reported to those who look for the cause of a problem.

Not reported are:

* `metadata` and `status` of the object itself: labels and annotations there change nothing that runs, and a status
  belongs to its controller. The pod template's metadata is below `spec`, and is reported.
* Fields that the control plane itself writes, such as the volume that a claim is bound to. Writes through `scale` (an
  autoscaler, `kubectl scale`) are reported: they set the number of pods.
* Tokens of a ServiceAccount (`secrets`), which the control plane writes, too.
* `serviceAccount` of a pod, an old name of `serviceAccountName` that the API server keeps in step with it.
* Values that equal the API server's defaults: a client that creates an object owns those as well, and they change
  nothing.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runtime.event import parse_time
from runtime.field_paths import Path, dotted, is_item, located, paths
from runtime.objects import SERVICE_ACCOUNT, Manifest, metadata

CONTROL_PLANE = frozenset(
    {
        "cloud-controller-manager",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "openshift-controller-manager",
    }
)
SCALE = "scale"
# Parts of an object that are not reported.
OUTER = frozenset({"f:metadata", "f:status"})
TOKENS = ("f:secrets",)
OLD_ACCOUNT = "f:serviceAccount"
# The annotation that `kubectl rollout restart` writes (k8s.io/kubectl v0.35:pkg/polymorphichelpers/objectrestarter.go).
RESTARTED = ("f:spec", "f:template", "f:metadata", "f:annotations", "f:kubectl.kubernetes.io/restartedAt")

# The API server's defaults by name of the field (k8s.io/kubernetes v1.35:pkg/apis/{apps,core}/v1/defaults.go).
DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "apiVersion": ("v1",),
    "defaultMode": (420,),
    "dnsPolicy": ("ClusterFirst",),
    "failureThreshold": (3,),
    "internalTrafficPolicy": ("Cluster",),
    "ipFamilyPolicy": ("SingleStack",),
    "maxSurge": (0, "25%"),
    "maxUnavailable": (1, "25%"),
    "periodSeconds": (10,),
    "progressDeadlineSeconds": (600,),
    "protocol": ("TCP",),
    "replicas": (1,),
    "restartPolicy": ("Always",),
    "revisionHistoryLimit": (10,),
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "securityContext": ({},),
    "sessionAffinity": ("None",),
    "successThreshold": (1,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
    "type": ("ClusterIP", "RollingUpdate", ""),
    "volumeMode": ("Filesystem",),
}


@dataclass(frozen=True)
class OwnedField:
    """A field that somebody else owns: `manager` set it at `time`, by the `operation` `Apply` or `Update`.

    `path` is in kubectl's dotted form, `pointer` is the same as a JSON pointer. `restart` means that it is the
    annotation of `kubectl rollout restart`.
    """

    path: str
    pointer: str
    value: Any
    manager: str
    operation: str
    time: datetime | None
    restart: bool = False


def foreign_fields(manifest: Manifest, ours: Collection[str]) -> tuple[OwnedField, ...]:
    """Return the fields of an object that only managers other than `ours` own, sorted by path.

    A list item that belongs to somebody else as a whole, such as a container that a webhook adds, is one field.
    """
    entries = metadata(manifest).get("managedFields") or ()
    own = frozenset(path for entry in entries if _is_of(entry, ours) for path in _paths(entry))
    found: dict[Path, OwnedField] = {}
    for entry in entries:
        if not _is_of(entry, ours) and not _is_of_control_plane(entry):
            for path in _outermost(frozenset(_paths(entry)) - own, own):
                if (field := _field(manifest, entry, path)) and path not in found:
                    found[path] = field
    return tuple(sorted(found.values(), key=lambda field: field.path))


def _is_of(entry: Manifest, ours: Collection[str]) -> bool:
    return entry.get("manager") in ours and entry.get("operation") == "Apply"


def _is_of_control_plane(entry: Manifest) -> bool:
    return entry.get("manager") in CONTROL_PLANE and entry.get("subresource") != SCALE


def _paths(entry: Manifest) -> Iterator[Path]:
    yield from paths(entry.get("fieldsV1") or {})


def _outermost(foreign: frozenset[Path], own: frozenset[Path]) -> Iterator[Path]:
    """Yield the paths that are neither inside an item that is wholly foreign, nor inside a value that we own."""
    shared = {path[:end] for path in own for end in range(1, len(path) + 1)}
    whole = {path for path in foreign if is_item(path) and path not in shared}
    atoms = {path for path in own if not is_item(path)}
    for path in foreign:
        above = [path[:end] for end in range(1, len(path))]
        if not any(part in whole or part in atoms for part in above):
            yield path


def _field(manifest: Manifest, entry: Manifest, path: Path) -> OwnedField | None:
    """Return the field at a path; None if it is not reported, or does not exist any more."""
    location = located(manifest, path)
    if location is None or path[0] in OUTER or path[-1] == OLD_ACCOUNT:
        return None
    if _is_token(manifest, path) or _is_default(path, location[1]):
        return None
    pointer, value = location
    manager, operation = str(entry.get("manager") or ""), str(entry.get("operation") or "")
    time = parse_time(str(entry.get("time") or ""))
    return OwnedField(dotted(path), pointer, value, manager, operation, time, restart=path == RESTARTED)


def _is_token(manifest: Manifest, path: Path) -> bool:
    return manifest.get("kind") == SERVICE_ACCOUNT.name and path[:1] == TOKENS


def _is_default(path: Path, value: Any) -> bool:
    """Return whether the API server would set this value by default; empty maps and lists count as defaults."""
    if value is None or value in ({}, []):
        return True
    return path[0] == "f:spec" and value in DEFAULTS.get(path[-1].removeprefix("f:"), ())
