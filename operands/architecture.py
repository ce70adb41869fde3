"""Which nodes an image can run on, if it is built for one architecture only.

In this release, the images of Kepler and rclone are built for amd64 and arm64. The model server's image is built for
amd64 alone: its workflow builds on a runner without naming platforms (kepler-model-server
v0.7.12:.github/workflows/release.yml, `make build`; issue sustainable-computing-io/kepler-model-server#299). On any
other node it is not pulled or does not start. Since the estimator starts before the exporter, the exporter does not
start there either. Functions do not read the architecture of nodes: they select nodes by the label that every kubelet
sets.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crds.kepler import Kepler
from operands import kepler_v07

LABEL = "kubernetes.io/arch"
AMD64 = "amd64"


def required_architecture(image: str) -> str:
    """Return the one architecture that an image is built for; empty if it is not known to have only one.

    An image is recognized by its name, which mirrors keep. If somebody builds an image of the same program for more
    architectures, it needs another name.
    """
    return AMD64 if kepler_v07.is_model_server(image) else ""


def node_selector(
    image: str | None, selector: Mapping[str, str], affinity: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Return the node selector that an image needs besides the user's; empty if the user selects an architecture."""
    needed = required_architecture(image) if image else ""
    chooses = LABEL in selector or LABEL in affinity_keys(affinity or {})
    return {LABEL: needed} if needed and not chooses else {}


def estimator_node_selector(kepler: Kepler, image: str | None) -> dict[str, str]:
    """Return the node selector that the exporters need for their estimator."""
    collector = kepler.spec.collector
    return node_selector(image, collector.node_selector, collector.affinity)


def remark(kepler: Kepler, image: str | None) -> str:
    """Return a remark on the nodes that the estimator's image excludes or cannot run on; empty if there are none."""
    selector = kepler.spec.collector.node_selector
    sentence = _says("`estimator-sidecar`", image, selector, estimator_node_selector(kepler, image))
    return f"{sentence}, or turn `estimator-sidecar.enabled` off" if sentence else ""


def model_server_remark(kepler: Kepler, image: str) -> str:
    """Return a remark on the nodes that the model server's image excludes or cannot run on; empty if there are none."""
    selector = kepler.spec.model_server.node_selector
    return _says("`model-server`", image, selector, node_selector(image, selector))


def _says(block: str, image: str | None, asked: Mapping[str, str], added: Mapping[str, str]) -> str:
    """Return which nodes an image excludes or does not start on, and what to do about it; empty if there are none."""
    needed = required_architecture(image) if image else ""
    if added:
        limit = f"the image of {block} is built for {needed} only, so that nodes of another `{LABEL}` are left out"
    elif needed and asked.get(LABEL, needed) != needed:
        where = f"nodes of `{LABEL}` '{asked[LABEL]}'"
        limit = f"the image of {block} is built for {needed} only, and does not start on {where}"
    else:
        return ""
    not_called = kepler_v07.MODEL_SERVER_NAME
    return f"{limit}: to use those, set `image` to one that is built for them, and not called '{not_called}'"


def affinity_keys(affinity: Mapping[str, Any]) -> Iterator[str]:
    """Yield the labels that a node affinity requires."""
    required = (affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for expression in term.get("matchExpressions") or ():
            yield str(expression.get("key"))
