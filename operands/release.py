"""Which release of Kepler an image is, by its tag, and what that release cannot do.

An image whose tag does not tell (a digest, 'latest') is taken for the release that is rendered.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from crds.kepler_collected_metric import Source
from operands import engine, repositories
from runtime.adoption import resync
from runtime.declaration import Observed
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

# The last release that read a source (KEP:73650943 and 23dd4432 removed them).
LAST_READ: Mapping[Source, Release] = {Source.CGROUP: Release(0, 7, 10), Source.KUBELET: Release(0, 6, 1)}

# Before this one, keys and metrics had other names, and not all of them were there (KEP:pkg/config/config.go).
SUPPORTED = Release(0, 7)
# The last one that `kepler-cfm` configures. What came after is written anew: previews v0.0.x, then v0.9 and later.
LAST = Release(0, 8, 0)
FIRST = Release(0, 1)

# Since then the image's programs are called 'model-server', 'online-trainer' and 'estimator' (MS:pyproject.toml).
PROGRAMS = Release(0, 7, 11)


def release_of_tag(image: str) -> Release | None:
    """The release that an image's tag tells, None where it tells none."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = TAG.fullmatch(tag)
    return Release(*(int(part or 0) for part in match.groups())) if match else None


def exporter(image: str) -> Release:
    """The release of an exporter's image."""
    return release_of_tag(image) or RENDERED


def unread(image: str, source: Source) -> bool:
    """Whether the exporter of this image ignores a source."""
    last = LAST_READ.get(source)
    return last is not None and exporter(image) > last


def unusable(image: str) -> str:
    """Why an exporter's image cannot work here, empty where it can."""
    release = exporter(image)
    if FIRST <= release <= LAST:
        return ""
    return (
        f"Kepler {release} reads none of what `{engine.CONFIG_PATH}` holds, and has neither sources nor estimator nor "
        f"model server: name a release of v0.7, such as '{engine.IMAGE}'"
    )


def remarks(image: str) -> tuple[str, ...]:
    """What is to be said of an exporter's image that is used."""
    release = release_of_tag(image)
    if release is None:
        return (f"its tag does not tell the release: it is taken for {RENDERED}",)
    if release < SUPPORTED:
        return (f"{release} is older than {SUPPORTED}: what it does not know, it ignores",)
    return ()


def lacks_programs(image: str) -> str:
    """Why an image of the model server and the estimator cannot work here, empty where it can."""
    release = release_of_tag(image)
    if release is None or release >= PROGRAMS:
        return ""
    return f"{release} has other programs than {PROGRAMS} and later: name one of those, '{engine.MODEL_SERVER_IMAGE}'"


def refuse_release(
    observed: Observed, field: str, asked: str | None, setting: str, why: Callable[[str], str]
) -> Outcome | None:
    """The refusal of an image, by who named it (the field or the environment), or None where nothing is wrong."""
    if outcome := repositories.refuse_repository(observed, field, asked):
        return outcome
    image = engine.image(asked, setting, observed.images)
    wrong, source = why(image), f"`{field}`" if asked else f"`{setting}` in the functions' environment"
    if not wrong:
        return None
    after = "" if asked else f", then run `{resync(observed.key)}`"
    return rejected("ImageNotSupported", f"{source} is '{image}', and {wrong}{after}")


RENDERED = release_of_tag(engine.IMAGE) or SUPPORTED
