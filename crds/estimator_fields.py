"""`estimator-sidecar` of a Kepler: the estimator beside each exporter, and where it takes its power models from."""

from typing import Annotated

from pydantic import Field

from crds.environment import ProxyEnv
from crds.fields import CelRule, Image, text
from crds.meta import SpecPart
from crds.pod_fields import Resources

SOCKET_DIRECTORY = "/tmp"  # noqa: S108 - built into Kepler and its estimator: /tmp/estimator.sock

CUT_SHORT = "the parsers of `MODEL_CONFIG` cut the line there"

ModelUrl = Annotated[
    str,
    Field(max_length=2048),
    text(
        r"^(https?://[^\s/=#]+(/[^\s=#]*)?|file:///[^\s=#]+)$",
        1024,
        "`{field}` must begin with 'http://', 'https://' or 'file:///', without spaces, '=' and '#': " + CUT_SHORT,
    ),
]
Filters = Annotated[
    str,
    Field(max_length=2048),
    text(
        r"^[^\s=#]*$",
        1024,
        "`{field}` must be 'name:value' pairs joined by ';', without spaces, '=' and '#': " + CUT_SHORT,
    ),
]
Trainer = Annotated[
    str,
    Field(max_length=256),
    text("^[A-Z][A-Za-z0-9]*Trainer$", 64, "`{field}` must be the name of a trainer, such as 'SGDRegressorTrainer'"),
]


class PowerModel(SpecPart):
    """Where the estimator takes one power model from."""

    init_url: ModelUrl | None = None
    """Archive (zip) with the model, which each estimator fetches if the model server does not have it:
    `<model>_INIT_URL` in `MODEL_CONFIG`. 'file:///PATH' is a file in the estimator's container, for an image of your
    own. Blank means what the model server offers or, if it is off, a public model from 'raw.githubusercontent.com'."""
    trainer: Trainer | None = None
    """Only models of this trainer: `<model>_TRAINER` in `MODEL_CONFIG`, such as 'SGDRegressorTrainer' or
    'GradientBoostingRegressorTrainer'. Blank means Kepler's choice."""
    filters: Filters = ""
    """Only models that pass, as 'name:value' pairs joined by ';'. A filter is refused by condition
    `EstimatorReconciled`: every release rejects every model if there is one. Blank means all."""


class Models(SpecPart):
    """The power models Kepler asks for. A blank one is left to Kepler."""

    node_total: PowerModel = PowerModel()
    """Power of the whole node, where no meter is: `NODE_TOTAL_*` in `MODEL_CONFIG`."""
    node_components: PowerModel = PowerModel()
    """Power of the node's components, where no meter is: `NODE_COMPONENTS_*` in `MODEL_CONFIG`."""
    process_total: PowerModel = PowerModel()
    """A process' share of the whole. A model is refused by condition `EstimatorReconciled`: with one, Kepler v0.7 ends,
    or tells no energy of processes. Blank means by ratio."""
    process_components: PowerModel = PowerModel()
    """A process' share of the components. A model is refused by condition `EstimatorReconciled`: with one, Kepler v0.7
    ends, or tells no energy of processes. Blank means by ratio."""


class EstimatorSidecar(SpecPart):
    """The estimator beside each exporter. It computes power with models that have no weights."""

    enabled: bool = False
    """Whether the exporter's pods have the estimator: `NODE_TOTAL_ESTIMATOR` and `NODE_COMPONENTS_ESTIMATOR` in
    `MODEL_CONFIG`."""
    image: Image | None = None
    """Image of the estimator. Blank means the one of this release."""
    mnt_path: Annotated[
        str,
        Field(max_length=4096),
        CelRule(
            f"self == '{SOCKET_DIRECTORY}'",
            f"`{{field}}` must be '{SOCKET_DIRECTORY}': the exporter and the estimator meet at "
            f"'{SOCKET_DIRECTORY}/estimator.sock', a path built into both; {{instead}}",
        ),
    ] = SOCKET_DIRECTORY
    """Directory of the socket between the exporter and the estimator. Only '/tmp' works: both have the path of the
    socket built in."""
    models: Models = Models()
    """Where power models come from. Blank means the model server or, if it is off, public models from
    'raw.githubusercontent.com', without which the estimator ends."""
    resources: Resources = Field(default_factory=dict)
    """CPU and memory of the estimator. Blank means requests of '50m' and '250Mi', and no limits. Where it runs is the
    exporter's to say: both are in one pod."""
    env: ProxyEnv = ()
    """Environment variables of the estimator: the proxies that it fetches models through. 'NO_PROXY' should hold what
    is reached without, such as '.svc' for the model server."""
