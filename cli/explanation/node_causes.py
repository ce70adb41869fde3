"""Finds nodes without exporter or model server, because an image is built for one architecture only. Pure.

The operator's Knative functions select nodes by architecture, but may not read nodes (`operands.architecture`). The
user of `kubectl kepler explain` may list nodes, so this command can name those that are left out.
"""

from collections.abc import Iterable, Iterator, Mapping

from cli.explanation.findings import matching
from crds.kepler import Kepler
from operands import architecture, kepler_v07
from runtime.objects import Manifest, metadata, name

# How many of the nodes that are left out are named.
MAX_NAMED = 3


def left_out(resource: Manifest, nodes: Iterable[Manifest]) -> Iterator[str]:
    """Yield a sentence for each part of a Kepler for which nodes are left out, or that no node can run."""
    kepler = Kepler.model_validate(resource)
    linux = [node for node in nodes if _info(node, "operatingSystem") == "linux"]
    if kepler.spec.estimator_sidecar.enabled:
        yield from _exporter(kepler, linux)
    if kepler.spec.model_server.enabled:
        yield from _server(kepler, linux)


def _exporter(kepler: Kepler, nodes: list[Manifest]) -> Iterator[str]:
    image, collector = kepler.status.images.estimator, kepler.spec.collector
    unfit = _unfit(image, collector.node_selector, nodes)
    if not unfit or architecture.LABEL in architecture.affinity_keys(collector.affinity):
        return
    verb = "have" if len(unfit) > 1 else "has"
    effect = f"{verb} no exporter"
    if not architecture.estimator_node_selector(kepler, image):
        effect = "cannot start the estimator, nor the exporter"
    yield (
        f"{_nodes_in_words(unfit)} {effect}: "
        f"the image of `estimator-sidecar` is built for {architecture.required_architecture(image)} only"
    )


def _server(kepler: Kepler, nodes: list[Manifest]) -> Iterator[str]:
    image = kepler.status.images.model_server
    needed = architecture.required_architecture(image)
    labels = {architecture.LABEL: needed, **kepler.spec.model_server.node_selector}
    if needed and nodes and not matching(nodes, labels):
        yield f"no node can run the model server: the image of `model-server` is built for {needed} only"


def _unfit(image: str, selector: Mapping[str, str], nodes: Iterable[Manifest]) -> list[Manifest]:
    """Return the nodes that a selector matches and an image does not run on."""
    needed = architecture.required_architecture(image)
    selected = (node for node in nodes if matching([node], selector))
    return [node for node in selected if needed and _info(node, "architecture") not in ("", needed)]


def _nodes_in_words(nodes: list[Manifest]) -> str:
    """Return nodes in words, as `2 nodes of arm64 ('a', 'b')`."""
    architectures = ", ".join(sorted({_info(node, "architecture") for node in nodes}))
    named = ", ".join(f"'{name(node)}'" for node in sorted(nodes, key=name)[:MAX_NAMED])
    more = f" and {len(nodes) - MAX_NAMED} more" if len(nodes) > MAX_NAMED else ""
    return f"{len(nodes)} node{'s' if len(nodes) > 1 else ''} of {architectures} ({named}{more})"


# What to do about each sentence of `left_out`; "that block" is the block of the spec that the sentence names. An image
# with this name counts as built for one architecture (`operands.architecture`).
STEP = (
    "set the `image` of that block to one that is built for these nodes, and not called "
    f"'{kepler_v07.MODEL_SERVER_NAME}'; or turn it off"
)


def _info(node: Manifest, field: str) -> str:
    info = (node.get("status") or {}).get("nodeInfo") or {}
    label = {"architecture": architecture.LABEL, "operatingSystem": "kubernetes.io/os"}[field]
    return str(info.get(field) or (metadata(node).get("labels") or {}).get(label) or "")
