"""Which nodes an image can run on, where the image is built for one architecture only. Pure.

Of the images of this release, Kepler and rclone are built for amd64 and arm64, the model server's for amd64 alone: its
workflow builds on a runner without naming platforms (MS v0.7.12:.github/workflows/release.yml, `make build`; issue
sustainable-computing-io/kepler-model-server#299). On any other node it is not pulled or does not start, and since the
estimator starts before the exporter, no exporter does there either. A function does not look at nodes: it asks for
those that the image runs on, by the label that every kubelet sets.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crds.kepler import Kepler
from operands import engine

LABEL = "kubernetes.io/arch"
AMD64 = "amd64"


def only(image: str) -> str:
    """The one architecture that an image is built for; empty where it is not known to be only one.

    An image is known by its name, which mirrors keep. An image that somebody builds of the same program for more
    architectures needs another name.
    """
    return AMD64 if engine.is_model_server(image) else ""


def node_selector(
    image: str | None, selector: Mapping[str, str], affinity: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """The node selector that an image needs beside the user's; empty where the user chooses an architecture."""
    needed = only(image) if image else ""
    chooses = LABEL in selector or LABEL in affinity_keys(affinity or {})
    return {LABEL: needed} if needed and not chooses else {}


def estimator(kepler: Kepler, image: str | None) -> dict[str, str]:
    """The node selector that the exporters need for the estimator beside them."""
    collector = kepler.spec.collector
    return node_selector(image, collector.node_selector, collector.affinity)


def remark(kepler: Kepler, image: str | None) -> str:
    """What is to be said of the nodes that the exporters run on, for the estimator's image; empty for nothing."""
    selector = kepler.spec.collector.node_selector
    sentence = _says("`estimator-sidecar`", image, selector, estimator(kepler, image))
    return f"{sentence}, or turn `estimator-sidecar.enabled` off" if sentence else ""


def served(kepler: Kepler, image: str) -> str:
    """What is to be said of the nodes that the model server may run on; empty for nothing."""
    selector = kepler.spec.model_server.node_selector
    return _says("`model-server`", image, selector, node_selector(image, selector))


def _says(block: str, image: str | None, asked: Mapping[str, str], added: Mapping[str, str]) -> str:
    """Which nodes an image is kept from, or does not start on, and what to do about it."""
    needed = only(image) if image else ""
    if added:
        limit = f"the image of {block} is built for {needed} only, so that nodes of another `{LABEL}` are left out"
    elif needed and asked.get(LABEL, needed) != needed:
        where = f"nodes of `{LABEL}` '{asked[LABEL]}'"
        limit = f"the image of {block} is built for {needed} only, and does not start on {where}"
    else:
        return ""
    return (
        f"{limit}: to use those, set `image` to one that is built for them, and not called '{engine.MODEL_SERVER_NAME}'"
    )


def affinity_keys(affinity: Mapping[str, Any]) -> Iterator[str]:
    """The labels that a node affinity requires."""
    required = (affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for expression in term.get("matchExpressions") or ():
            yield str(expression.get("key"))
