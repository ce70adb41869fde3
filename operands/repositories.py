"""Which repositories images may come from. An administrator decides that, not whoever may edit a Kepler.

An exporter runs privileged on every node, so its image is equivalent to root there. The repositories of the
`RELATED_IMAGE_*` in use are allowed, and those that `ALLOWED_IMAGES` names. Any tag and digest is allowed.
"""

from collections.abc import Mapping

from operands import kepler_v07
from runtime.adoption import resync
from runtime.declaration import Observed
from runtime.outcome import Outcome, rejected
from runtime.settings import ALLOWED_IMAGES

# Variables of a function's environment that concern images, and their defaults.
ENVIRONMENT: Mapping[str, str] = {**kepler_v07.IMAGES, ALLOWED_IMAGES: ""}

DOCKER = "docker.io"
DOCKERS_OWN = "library"


def repository(image: str) -> str:
    """Return the repository of an image with its registry, without tag and digest.

    Docker's convention says which part is the registry, and which registry is the default
    (github.com/distribution/reference v0.6.0:normalize.go, splitDockerDomain).
    """
    path, _, last = image.partition("@")[0].rpartition("/")
    name = f"{path}/{last.partition(':')[0]}".lstrip("/")
    first, _, rest = name.partition("/")
    if not rest or not (set(".:") & set(first) or first == "localhost"):
        first, rest = DOCKER, name
    registry = DOCKER if first == f"index.{DOCKER}" else first
    return f"{registry}/{rest}" if registry != DOCKER or "/" in rest else f"{registry}/{DOCKERS_OWN}/{rest}"


def allowed(images: Mapping[str, str]) -> frozenset[str]:
    """Return the repositories that images may come from; `images` are the functions' settings."""
    used = [images.get(setting) or image for setting, image in kepler_v07.IMAGES.items()]
    named = [name.strip() for name in images.get(ALLOWED_IMAGES, "").split(",")]
    return frozenset(repository(name) for name in (*used, *named) if name)


def refuse_repository(observed: Observed, field: str, image: str | None) -> Outcome | None:
    """Return a rejection if the image that a field names may not be used; else, or if it names none, None."""
    usable = allowed(observed.images)
    if not image or repository(image) in usable:
        return None
    known = ", ".join(f"'{repository}'" for repository in sorted(usable))
    return rejected(
        "ImageNotAllowed",
        f"`{field}` is '{image}', and images may come from {known} only: name one of those, or let an administrator "
        f"add '{repository(image)}' to `{ALLOWED_IMAGES}` as `config/overlays/mirror` does, then run "
        f"`{resync(observed.key)}`",
    )
