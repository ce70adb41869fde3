"""Which release of Kepler an image is, by its tag, and what that release cannot do.

An image whose tag does not tell (a digest, 'latest') is taken for the release that this project renders for the line.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic import ValidationError

from crds.collector_fields import Collector, ReleaseLine
from crds.kepler import Kepler
from crds.kepler_collected_metric import Source
from operands import kepler_v07, repositories
from runtime.adoption import resync
from runtime.declaration import Observed
from runtime.objects import Manifest
from runtime.outcome import Outcome, rejected


class Release(NamedTuple):
    """A release's number; releases compare."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"


# Tags as Kepler's and the model server's registries have them: 'release-0.7.12', 'v0.7.11-2', '0.8.0-libbpf'.
TAG = re.compile(r"(?:release-|v)?(\d+)\.(\d+)(?:\.(\d+))?(?:[-_+].*)?")

# The last release that read a source (kepler:73650943 and 23dd4432 removed them).
LAST_READ: Mapping[Source, Release] = {Source.CGROUP: Release(0, 7, 10), Source.KUBELET: Release(0, 6, 1)}

# Before this one, keys and metrics had other names, and not all of them were there (kepler:pkg/config/config.go).
SUPPORTED = Release(0, 7)
# The last one that `kepler-cfm` configures. Kepler was rewritten after it: previews v0.0.x and v0.9, then v0.10.
LAST_V0_7 = Release(0, 8, 0)
FIRST = Release(0, 1)
FIRST_V0_11 = Release(0, 10)

# Since then, Kepler v0.11 reads GPUs, and has a choice of where to ask for pods (config/config.go).
FIRST_WITH_GPU = FIRST_WITH_POD_INFORMER = Release(0, 11, 4)
# Since then, Kepler v0.11 asks BMCs (config/config.go).
FIRST_WITH_REDFISH = Release(0, 11, 0)

# Since then the image's programs are called 'model-server', 'online-trainer' and 'estimator'
# (kepler-model-server:pyproject.toml).
PROGRAMS = Release(0, 7, 11)

# For each line: the variable with its default image in the functions' environment.
SETTINGS: Mapping[ReleaseLine, str] = {
    ReleaseLine.V0_7: kepler_v07.IMAGE_SETTING,
    ReleaseLine.V0_11: kepler_v07.IMAGE_V011_SETTING,
}


def release_of_tag(image: str) -> Release | None:
    """Return the release that an image's tag tells, None if it tells none."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = TAG.fullmatch(tag)
    return Release(*(int(part or 0) for part in match.groups())) if match else None


def line(collector: Collector) -> ReleaseLine:
    """Return the line of a Kepler: its `release`, else that of its image's tag, else v0.7."""
    return line_of(collector.release, collector.image)


def line_of_manifest(kepler: Manifest) -> ReleaseLine:
    """Return the line of a Kepler as the API server has it."""
    collector = (kepler.get("spec") or {}).get("collector") or {}
    return line_of(collector.get("release"), collector.get("image"))


def line_of(named: str | None, image: str | None) -> ReleaseLine:
    """Return the line of a Kepler from the values of its fields `release` and `image`, which may be blank."""
    if named in set(ReleaseLine):
        return ReleaseLine(named)
    release = release_of_tag(image or "")
    return _line_of(release) if release else ReleaseLine.V0_7


def is_v011(collector: Collector) -> bool:
    """Return whether a Kepler is of line v0.11."""
    return line(collector) is ReleaseLine.V0_11


def may_be_v011(kepler: Manifest) -> bool:
    """Return whether a Kepler is of line v0.11, or is of a version that cannot be read here."""
    try:
        return is_v011(Kepler.model_validate(kepler).spec.collector)
    except ValidationError:
        return True


def _line_of(release: Release) -> ReleaseLine:
    return ReleaseLine.V0_7 if FIRST <= release <= LAST_V0_7 else ReleaseLine.V0_11


def image(collector: Collector, images: Mapping[str, str]) -> str:
    """Return the exporter's image, after the defaults of its line."""
    return kepler_v07.image(collector.image, SETTINGS[line(collector)], images)


def exporter(image: str) -> Release:
    """Return the release of a v0.7 exporter's image."""
    return release_of_tag(image) or RENDERED


def exporter_v011(image: str) -> Release:
    """Return the release of a v0.11 exporter's image."""
    return release_of_tag(image) or RENDERED_V0_11


def ignores_source(image: str, source: Source) -> bool:
    """Return whether the v0.7 exporter of this image ignores a source."""
    last = LAST_READ.get(source)
    return last is not None and exporter(image) > last


def reads_gpus(image: str) -> bool:
    """Return whether the v0.7 exporter of this image may read GPUs; an image whose tag does not tell may."""
    return release_of_tag(image) is None or image.partition("@")[0].endswith(kepler_v07.GPU_SUFFIXES)


def reads_gpus_v011(image: str) -> bool:
    """Return whether the v0.11 exporter of this image reads GPUs."""
    return exporter_v011(image) >= FIRST_WITH_GPU


def unusable(image: str) -> str:
    """Return why an exporter's image cannot be of line v0.7; empty if it can."""
    release = exporter(image)
    if FIRST <= release <= LAST_V0_7:
        return ""
    other = f"set `collector.release` to '{ReleaseLine.V0_11}', or " if release >= FIRST_V0_11 else ""
    return (
        f"Kepler {release} reads none of what `{kepler_v07.CONFIG_PATH}` holds, and has neither sources nor estimator "
        f"nor model server: {other}name a release of v0.7, such as '{kepler_v07.IMAGE}'"
    )


def unusable_v011(image: str) -> str:
    """Return why an exporter's image cannot be of line v0.11; empty if it can."""
    release = exporter_v011(image)
    if release >= FIRST_V0_11:
        return ""
    if FIRST <= release <= LAST_V0_7:
        return (
            f"Kepler {release} does not read the configuration of line '{ReleaseLine.V0_11}': set `collector.release` "
            f"to '{ReleaseLine.V0_7}', or name a release of v0.10 or later, such as '{kepler_v07.IMAGE_V011}'"
        )
    return (
        f"Kepler {release} is a preview: name a release of v0.10 or later, such as '{kepler_v07.IMAGE_V011}', which "
        f"needs nodes with a power meter, or one of line '{ReleaseLine.V0_7}', such as '{kepler_v07.IMAGE}', which "
        "estimates"
    )


def remarks(image: str, line: ReleaseLine = ReleaseLine.V0_7) -> tuple[str, ...]:
    """Return what the condition says about the tag of an exporter's image."""
    release = release_of_tag(image)
    if release is None:
        taken = RENDERED if line is ReleaseLine.V0_7 else RENDERED_V0_11
        return (f"the tag contains no release; it is treated as {taken}",)
    if line is ReleaseLine.V0_7 and release < SUPPORTED:
        return (f"{release} is older than {SUPPORTED}: what it does not know, it ignores",)
    return ()


def unusable_model_server(image: str) -> str:
    """Return why an image of the model server and the estimator cannot work here; empty if it can."""
    release = release_of_tag(image)
    if release is None or release >= PROGRAMS:
        return ""
    return (
        f"{release} has other programs than {PROGRAMS} and later: name one of those, '{kepler_v07.MODEL_SERVER_IMAGE}'"
    )


def reject_exporter_release(observed: Observed, collector: Collector) -> Outcome | None:
    """Return the rejection of an exporter's image that does not fit its line or may not be used, else None."""
    of_line = line(collector)
    why = unusable if of_line is ReleaseLine.V0_7 else unusable_v011
    return refuse_release(observed, "collector.image", collector.image, SETTINGS[of_line], why)


def refuse_release(
    observed: Observed, field: str, asked: str | None, setting: str, why: Callable[[str], str]
) -> Outcome | None:
    """Return the rejection of an image, which names the field or the setting it comes from, or None."""
    if outcome := repositories.refuse_repository(observed, field, asked):
        return outcome
    image = kepler_v07.image(asked, setting, observed.images)
    wrong, source = why(image), f"`{field}`" if asked else f"`{setting}` in the functions' environment"
    if not wrong:
        return None
    after = "" if asked else f", then run `{resync(observed.key)}`"
    return rejected("ImageNotSupported", f"{source} is '{image}', and {wrong}{after}")


def not_in_v011(field: str, collector: Collector) -> Outcome:
    """Return the rejection of a switch of the Kepler that line v0.11 has no program for."""
    by = f"`collector.release` is '{collector.release}'" if collector.release else f"image '{collector.image}' is of it"
    image = f", with an image of it such as '{kepler_v07.IMAGE}'" if collector.image else ""
    return rejected(
        "NotInThisRelease",
        f"`{field}` is on, and Kepler of line '{ReleaseLine.V0_11}' has no estimator and no model server ({by}): turn "
        f"`{field}` off, or set `collector.release` to '{ReleaseLine.V0_7}', the line that estimates power{image}",
    )


RENDERED = release_of_tag(kepler_v07.IMAGE) or SUPPORTED
RENDERED_V0_11 = release_of_tag(kepler_v07.IMAGE_V011) or FIRST_V0_11
