"""The configuration that an exporter's pods read: `kepler-cfm` as it was settled, carried by the pod template itself.

`kepler-cfm` is where functions and users meet, so it changes in parts. Mounted into a pod, it would give a mixture to a
pod that starts or restarts between two of these writes, or while a part of an edit is refused. So the template's
annotations hold a copy, one annotation a key, and the downward API writes each to a file, as a ConfigMap's volume
would. One write of the DaemonSet moves configuration and pods together, its revisions hold what each ran with, and
nothing is left to be cleaned up.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from operands import children
from operands.cfm import Key
from runtime.objects import Manifest
from runtime.outcome import Outcome, rejected

VOLUME = "settled"
PREFIX = "config.sustainable-computing.io/"
# Half of what all annotations of an object may take (k8s.io/apimachinery v0.35:pkg/api/validation/objectmeta.go,
# TotalAnnotationSizeLimitB): others annotate pods, too.
LIMIT = 128 * 1024
# The name of an annotation, after its prefix (k8s.io/apimachinery:pkg/util/validation, IsQualifiedName).
NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def data(config: Manifest, overlay: Mapping[Key, str]) -> dict[str, str]:
    """Every text of the ConfigMap, keys of the user's included, as it is once `overlay` is written."""
    return {**(config.get("data") or {}), **{name.value: value for name, value in overlay.items()}}


def too_large(settled: Mapping[str, str]) -> Outcome | None:
    """Why pods cannot carry this configuration, or None where they can."""
    size = sum(len(name.encode()) + len(value.encode()) for name, value in settled.items())
    if size <= LIMIT:
        return None
    largest = max(settled, key=lambda name: len(settled[name]))
    return rejected(
        "ConfigurationTooLarge",
        f"ConfigMap '{children.CFM}' has {size // 1024} KiB, and an exporter's pod takes {LIMIT // 1024}: remove what "
        f"Kepler does not read, such as key '{largest}'",
    )


def annotations(settled: Mapping[str, str]) -> dict[str, str]:
    """The annotations of the pod template: one a key."""
    return {_annotation(name): value for name, value in settled.items()}


def volume(settled: Mapping[str, str]) -> dict[str, Any]:
    """The volume that has one file a key, as if the ConfigMap had been mounted when it was settled."""
    items = [{"path": name, "fieldRef": _field(name)} for name in sorted(settled)]
    return {"name": VOLUME, "downwardAPI": {"items": items}}


def _field(name: str) -> dict[str, str]:
    return {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{_annotation(name)}']"}


def _annotation(name: str) -> str:
    """A ConfigMap's keys may be longer than the names of annotations, and begin with a dot."""
    short = name if NAME.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{PREFIX}{short}"
