"""Which fields of a Kepler its line of releases ignores or refuses, in sentences for the condition."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from crds.collector_fields import Collector, PodInformer, ReleaseLine
from crds.kepler import Kepler
from operands import kepler_v011, release
from runtime.outcome import Outcome, rejected

# The fields of `collector` that only one line has -> whether the field is set.
ONLY_V0_7: Final[Mapping[str, Callable[[Collector], object]]] = {
    "env": lambda collector: collector.env,
    "machine-spec": lambda collector: collector.machine_spec,
}
ONLY_V0_11: Final[Mapping[str, Callable[[Collector], object]]] = {
    "pod-informer": lambda collector: collector.pod_informer,
    "rapl-zones": lambda collector: collector.rapl_zones,
    "max-terminated": lambda collector: collector.max_terminated is not None,
    "web-config": lambda collector: collector.web_config.secret,
    "additional-config": lambda collector: collector.additional_config,
}


# Seconds between measurements above which the first one comes late.
LONG_PERIOD: Final = 60


def without_effect(kepler: Kepler) -> Iterator[str]:
    """Yield a remark that names the fields which are set and which the Kepler's line does not have."""
    collector = kepler.spec.collector
    line = release.line(collector)
    fields_of_other_line = ONLY_V0_11 if line is ReleaseLine.V0_7 else ONLY_V0_7
    set_fields = [f"`collector.{field}`" for field, is_set in fields_of_other_line.items() if is_set(collector)]
    if set_fields:
        have = "has" if len(set_fields) == 1 else "have"
        yield f"{', '.join(set_fields)} {have} no effect in line '{line}' of Kepler"


def pod_informer_ignored(kepler: Kepler, image: str) -> Iterator[str]:
    """Yield a remark if the Kepler says kubelet, and its image's release of line v0.11 asks the API server anyway."""
    image_release, first = release.exporter_v011(image), release.FIRST_WITH_POD_INFORMER
    if kepler.spec.collector.pod_informer is PodInformer.KUBELET and image_release < first:
        yield (
            f"`collector.pod-informer` has no effect before Kepler {first}: the exporter's image is of "
            f"{image_release}, which asks the API server for pods"
        )


def late_energy(kepler: Kepler) -> Iterator[str]:
    """Yield a remark if an exporter of v0.7 has no energy for long after its start: the first value takes a period."""
    seconds = kepler.spec.collector.sample_period
    if seconds > LONG_PERIOD:
        yield (
            f"with `collector.sample-period` of {seconds} s, an exporter has no energy in the first {seconds} s after "
            "its start, though it is ready"
        )


def unknown_keys(kepler: Kepler, unknown: Iterable[str]) -> Iterator[str]:
    """Yield a remark on the keys of the user's configuration that Kepler does not know."""
    if keys := [f"`{path}`" for path in unknown]:
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        yield (
            f"ConfigMap '{kepler.spec.collector.additional_config}' sets {', '.join(keys[:3])}{more}, which Kepler "
            f"{release.RENDERED_V0_11} does not know and ignores"
        )


def refuse_v011(kepler: Kepler, image: str) -> Outcome | None:
    """Return the rejection of fields with which an exporter of this image would exit or measure nothing, else None."""
    collector, image_release = kepler.spec.collector, release.exporter_v011(image)
    has_choice = image_release >= release.FIRST_WITH_POD_INFORMER
    by_api = not has_choice or collector.pod_informer is not PodInformer.KUBELET
    if by_api and collector.port == kepler_v011.INFORMERS_PORT:
        return rejected(
            "PortTaken",
            f"`collector.port` is {collector.port}, on which Kepler of line '{ReleaseLine.V0_11}' serves metrics of "
            "its own while it asks the API server for pods: choose another port"
            + (", or set `collector.pod-informer` to 'kubelet'" if has_choice else ""),
        )
    if collector.redfish.secret and image_release < release.FIRST_WITH_REDFISH:
        return rejected(
            "NotInThisRelease",
            f"`collector.redfish.secret` needs Kepler {release.FIRST_WITH_REDFISH} or later, and the exporter's image "
            f"is of {image_release}: leave it out, or choose a later image",
        )
    return None
