"""Kepler: one installation of the exporter in a namespace, with the estimator and the model server it may use.

Every field may be left out or blank. What a field without a default then means is its description's to say: images,
for instance, are the release's own, so that an upgrade reaches the resources that are there.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from crds.collector_fields import Collector
from crds.estimator_fields import EstimatorSidecar
from crds.fields import (
    CelRule,
    Labels,
    ObjectName,
    Seconds,
)
from crds.meta import (
    AGE,
    DELETED,
    Column,
    Conditions,
    Count,
    Generation,
    Names,
    Resource,
    SpecPart,
    StatusPart,
    condition_columns,
)
from crds.model_server_fields import ModelServer

DEFAULT_SCRAPE_INTERVAL = 30
"""Seconds; 3 s was too much for Prometheus (sustainable-computing-io/kepler#963)."""


class Monitoring(SpecPart):
    """How Prometheus finds the metrics."""

    labels: Labels = Field(default_factory=dict)
    """Further labels of ServiceMonitor and PrometheusRule `kepler-exporter`, for the selectors of your Prometheus. They
    win over 'release: prometheus', and, of the PrometheusRule, over 'prometheus: k8s' and 'role: alert-rules'."""


class KeplerSpec(SpecPart):
    """What is wanted of the exporter, the estimator and the model server."""

    rules: ClassVar = (
        CelRule(
            "!(has(self.scrape__dash__interval) && has(self.scape__dash__interval))",
            "`scape-interval` is an old spelling of `scrape-interval`, and both are set: keep only `scrape-interval`",
            at="['scape-interval']",
        ),
    )

    scrape_interval: Seconds | None = None
    """How often Prometheus collects the metrics: the interval of the ServiceMonitor. From '1s' to '24h'; blank means
    '30s'."""
    scape_interval: Seconds | None = None
    """An old spelling of `scrape-interval`; set one of the two."""
    collected_metric: ObjectName | None = None
    """The KeplerCollectedMetric, in this namespace, that says which sources are read. Blank means the built-in
    defaults."""
    exported_power: ObjectName | None = None
    """The KeplerExportedPower, in this namespace, that says what is exported. Blank means the built-in defaults."""
    collector: Collector = Collector()
    """The exporter: DaemonSet and Service `kepler-exporter`."""
    estimator_sidecar: EstimatorSidecar = EstimatorSidecar()
    """The estimator beside each exporter."""
    model_server: ModelServer = ModelServer()
    """The server of power models."""
    monitoring: Monitoring = Monitoring()
    """How Prometheus finds the metrics."""

    @property
    def scrape_interval_seconds(self) -> int:
        """How often Prometheus collects, whichever way it was spelt."""
        return self.scrape_interval or self.scape_interval or DEFAULT_SCRAPE_INTERVAL


class ExporterNodes(StatusPart):
    """How far the exporter has come."""

    desired: Count = 0
    """Nodes the exporter should run on."""
    updated: Count = 0
    """Nodes whose exporter has the present configuration."""
    available: Count = 0
    """Nodes whose exporter runs."""


class Images(StatusPart):
    """The images in use, after defaults."""

    collector: Annotated[str, Field(max_length=1024)] = ""
    """Image of the exporter."""
    estimator: Annotated[str, Field(max_length=1024)] = ""
    """Image of the estimator; absent while `estimator-sidecar` is off."""
    model_server: Annotated[str, Field(max_length=1024)] = ""
    """Image of the model server; absent while `model-server` is off."""


class KeplerStatus(StatusPart):
    """What the functions found and did."""

    observed_generation: Generation = 0
    """The `metadata.generation` that this status is about."""
    conditions: Conditions = ()
    """One answer of each function, and `Ready`, which sums them up."""
    nodes: ExporterNodes = ExporterNodes()
    """How far the exporter has come."""
    images: Images = Images()
    """The images in use, after defaults."""


class Kepler(Resource):
    """An installation of Kepler, which measures the energy that nodes, pods and containers use."""

    names: ClassVar = Names("Kepler", "keplers", "kpl")
    columns: ClassVar = (
        *condition_columns(),
        DELETED,
        Column("Nodes", ".status.nodes.desired", "integer"),
        Column("Available", ".status.nodes.available", "integer"),
        Column("Port", ".spec.collector.port", "integer", priority=1),
        Column("Image", ".status.images.collector", priority=1),
        AGE,
    )
    rules: ClassVar = (
        CelRule(
            "size(self.metadata.name) <= 63",
            "`metadata.name` must be at most 63 characters: it becomes the value of a label",
        ),
    )

    spec: KeplerSpec = KeplerSpec()
    """What is wanted."""
    status: KeplerStatus = KeplerStatus()
    """What the functions found and did."""
