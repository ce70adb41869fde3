"""Which repositories images may come from, and what is said of one from elsewhere."""

from typing import Any

import pytest

from functions import collector, estimator, model_server
from operands import kepler_v07, repositories
from operands.repositories import repository
from runtime.declaration import Observed
from runtime.errors import Misconfigured
from runtime.settings import ALLOWED_IMAGES, settings
from tests.pure.test_exporter import KEY, OPEN, config, observed, parent

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ("kepler", "docker.io/library/kepler"),
        ("kepler:1", "docker.io/library/kepler"),
        (f"kepler@{DIGEST}", "docker.io/library/kepler"),
        ("rclone/rclone:1.71", "docker.io/rclone/rclone"),
        ("docker.io/kepler:1", "docker.io/library/kepler"),
        ("docker.io/rclone/rclone", "docker.io/rclone/rclone"),
        ("index.docker.io/rclone/rclone", "docker.io/rclone/rclone"),
        ("quay.io/a/b/c:1", "quay.io/a/b/c"),
        (f"quay.io/a/b:1@{DIGEST}", "quay.io/a/b"),
        ("localhost/kepler:1", "localhost/kepler"),
        ("registry:5000/kepler", "registry:5000/kepler"),
        ("registry:5000/kepler:1", "registry:5000/kepler"),
        ("[::1]:5000/kepler:1", "[::1]:5000/kepler"),
        ("localhost:5000", "docker.io/library/localhost"),
        ("registry/kepler", "docker.io/registry/kepler"),
    ],
)
def test_the_repository_is_that_which_is_pulled_from(image: str, text: str) -> None:
    """As Docker reads a reference: a first part without '.' and ':' is no registry."""
    assert repository(image) == text


def test_those_in_use_are_allowed_and_those_that_are_named() -> None:
    """Where the environment names another image, the default's is not allowed any more; that of v0.11 has its own."""
    images = {kepler_v07.IMAGE_SETTING: "mirror.example/kepler:1", ALLOWED_IMAGES: "a.example/b, c/d,"}
    assert repositories.allowed(images) == {
        "mirror.example/kepler",
        "quay.io/sustainable_computing_io/kepler",
        "quay.io/sustainable_computing_io/kepler_model_server",
        "docker.io/rclone/rclone",
        "a.example/b",
        "docker.io/c/d",
    }


FIELDS = {
    "collector.image": collector.desired,
    "estimator-sidecar.image": estimator.desired,
    "model-server.image": model_server.desired,
}


def decided(field: str, image: str, images: dict[str, str]) -> Any:
    """What the function says to which the field belongs."""
    kepler = parent()
    block, _, name = field.partition(".")
    kepler["spec"] |= {block: {**({} if block == "collector" else {"enabled": True}), name: image}}
    seen = observed(kepler, config(kepler), images)
    children = dict.fromkeys(model_server.FUNCTION.children(KEY))
    return FIELDS[field](Observed(KEY, kepler, {**children, **seen.objects, **OPEN}, images=images))


@pytest.mark.parametrize("field", FIELDS)
def test_an_image_from_elsewhere_is_refused(field: str) -> None:
    """The field, the image, what is allowed, and what an administrator does."""
    outcome = decided(field, "evil.example/kepler:release-0.7.12", {})
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "ImageNotAllowed", ())
    assert outcome.message == (
        f"`{field}` is 'evil.example/kepler:release-0.7.12', and images may come from 'docker.io/rclone/rclone', "
        "'quay.io/sustainable_computing_io/kepler', 'quay.io/sustainable_computing_io/kepler_model_server' only: name "
        "one of those, or let an administrator add 'evil.example/kepler' to `ALLOWED_IMAGES` as "
        "`config/overlays/mirror` does, then run `kubectl kepler resync kepler -n energy`"
    )


@pytest.mark.parametrize("field", FIELDS)
def test_an_image_that_is_allowed_is_used(field: str) -> None:
    """Whatever its tag."""
    outcome = decided(field, "mirror.example/any:v0.7.12", {ALLOWED_IMAGES: "mirror.example/any"})
    assert outcome.word == "converged"


@pytest.mark.parametrize("wrong", ["a.example/b:1", f"a.example/b@{DIGEST}", "a b", "registry:5000", "https://a/b"])
def test_what_is_no_repository_ends_the_process(wrong: str) -> None:
    """At its start, with what to write instead."""
    with pytest.raises(Misconfigured, match=r"`ALLOWED_IMAGES` has '.*', which is no repository: name repositories"):
        settings({"FUNCTION": "collector", ALLOWED_IMAGES: f"a.example/good,{wrong}"}, ("collector",))


def test_the_setting_reaches_the_decision() -> None:
    """Beside the images in use."""
    environment = {
        "FUNCTION": "collector",
        ALLOWED_IMAGES: "a.example/b,c",
        "RELATED_IMAGE_KEPLER": "d:1",
        "OTHER": "1",
    }
    images = settings(environment, ("collector",)).images
    assert images == {ALLOWED_IMAGES: "a.example/b,c", "RELATED_IMAGE_KEPLER": "d:1"}
    assert {"a.example/b", "docker.io/library/c", "docker.io/library/d"} <= repositories.allowed(images)
