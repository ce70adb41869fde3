"""The fields of a pod that a resource hands on as they are: where it runs, what it may use, and how it is pulled."""

from typing import Annotated

from pydantic import Field, JsonValue

from crds.fields import LABEL_KEYS, CelRule, Core, LabelValue, atomic, keyed

Toleration = Annotated[
    dict[str, JsonValue],
    Core("io.k8s.api.core.v1.Toleration"),
    CelRule(
        "!has(self.operator) || self.operator in ['', 'Exists', 'Equal', 'Lt', 'Gt']",
        "`operator` must be 'Exists' or 'Equal', or left out for 'Equal'",
        at=".operator",
    ),
    CelRule(
        "!has(self.effect) || self.effect in ['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute']",
        "`effect` must be 'NoSchedule', 'PreferNoSchedule' or 'NoExecute', or left out for all of them",
        at=".effect",
    ),
    CelRule(
        "(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')",
        "a toleration without `key` tolerates everything, and must say so with `operator` 'Exists'",
        at=".operator",
    ),
    CelRule(
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        "`tolerationSeconds` needs `effect` 'NoExecute': set that, or leave it out",
        at=".tolerationSeconds",
    ),
    CelRule(
        "!has(self.value) || self.value == '' || !has(self.operator) || self.operator != 'Exists'",
        "`operator` 'Exists' may not have a `value`: leave it out, or set `operator` 'Equal'",
        at=".value",
    ),
]
Tolerations = Annotated[tuple[Toleration, ...], Field(max_length=32), atomic()]
# That no request is above its limit, `installation.amounts` says.
Resources = Annotated[dict[str, JsonValue], Core("io.k8s.api.core.v1.ResourceRequirements")]
Affinity = Annotated[dict[str, JsonValue], Core("io.k8s.api.core.v1.Affinity")]
PullSecret = Annotated[dict[str, JsonValue], Core("io.k8s.api.core.v1.LocalObjectReference")]
PullSecrets = Annotated[tuple[PullSecret, ...], Field(max_length=16), keyed("name")]
UpdateStrategy = Annotated[
    dict[str, JsonValue],
    Core("io.k8s.api.apps.v1.DaemonSetUpdateStrategy"),
    CelRule(
        "!has(self.type) || self.type in ['', 'RollingUpdate', 'OnDelete']",
        "`type` must be 'RollingUpdate' or 'OnDelete'; leave it out for 'RollingUpdate'",
        at=".type",
    ),
]

ON_LINUX = CelRule(
    "!('kubernetes.io/os' in self) || self['kubernetes.io/os'] == 'linux'",
    "`{field}` must leave out 'kubernetes.io/os', or say 'linux': Kepler measures no other nodes",
)
NodeSelector = Annotated[
    dict[str, LabelValue],
    Field(max_length=32, json_schema_extra={"x-kubernetes-map-type": "atomic"}),
    LABEL_KEYS,
    ON_LINUX,
]
