"""Copies the settled ConfigMap `kepler-cfm` into annotations of the exporter's pod template, where pods read it.

Several functions and users write `kepler-cfm`, each a part of it. If pods mounted it, a pod that starts between two
writes, or while a part of an edit is rejected, would read an inconsistent configuration. So the template has one
annotation for each key, and the downward API writes each to a file, as a ConfigMap volume would. One write of the
DaemonSet changes configuration and pods together, its revisions record the configuration of each rollout, and no old
ConfigMaps have to be pruned.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from operands import children
from operands.cfm import Key
from runtime.objects import Manifest
from runtime.outcome import Outcome, rejected

VOLUME = "settled"
PREFIX = "config.sustainable-computing.io/"
# Bytes; half of the limit on all annotations of an object (k8s.io/apimachinery v0.35:pkg/api/validation/objectmeta.go,
# TotalAnnotationSizeLimitB). The other half is left to annotations that others add to pods.
LIMIT = 128 * 1024
# The name of an annotation, after its prefix (k8s.io/apimachinery:pkg/util/validation, IsQualifiedName).
NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def data(config: Manifest, overlay: Mapping[Key, str]) -> dict[str, str]:
    """Return the ConfigMap's data, including users' keys, as it will be once `overlay` is written."""
    return {**(config.get("data") or {}), **{key.value: value for key, value in overlay.items()}}


def too_large(settled: Mapping[str, str]) -> Outcome | None:
    """Return a rejection if the configuration is larger than `LIMIT`, else None."""
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
    """Return the annotations of the pod template, one for each key."""
    return {_annotation(name): value for name, value in settled.items()}


def volume(names: Iterable[str]) -> dict[str, Any]:
    """Return a downward API volume with one file for each key, named after the key."""
    items = [{"path": name, "fieldRef": _field(name)} for name in sorted(names)]
    return {"name": VOLUME, "downwardAPI": {"items": items}}


def _field(name: str) -> dict[str, str]:
    return {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{_annotation(name)}']"}


def _annotation(name: str) -> str:
    """Return the annotation's name for a key: the key, or its hash if it is too long or begins with a dot."""
    short = name if NAME.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{PREFIX}{short}"
