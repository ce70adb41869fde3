"""Describes what runs for a Kepler, from its spec and status: images, nodes, sources of power models. Pure."""

from collections.abc import Iterator

from crds.estimator_fields import PowerModel
from crds.kepler import Kepler
from runtime.objects import Manifest


def running(resource: Manifest) -> Iterator[str]:
    """Yield a line for each part that runs."""
    kepler = Kepler.model_validate(resource)
    spec, images, nodes = kepler.spec, kepler.status.images, kepler.status.nodes
    if images.collector:
        have = f"{nodes.updated} of {nodes.desired} nodes have the present configuration, {nodes.available} serve"
        yield f"exporter {images.collector} on port {spec.collector.port}; {have}"
    if images.estimator:
        yield f"estimator {images.estimator}{_models(kepler)}"
    if images.model_server and spec.model_server.enabled:
        yield f"model server {images.model_server} on port {spec.model_server.port}"


def _models(kepler: Kepler) -> str:
    """Return the power models that the spec names, as the end of a sentence."""
    models = kepler.spec.estimator_sidecar.models
    named = {field.replace("_", "-"): getattr(models, field) for field in type(models).model_fields}
    sources = [f"{name} from {_source(model)}" for name, model in named.items() if _source(model)]
    return f"; models: {', '.join(sources)}" if sources else ""


def _source(model: PowerModel) -> str:
    return model.init_url or model.trainer or ""
