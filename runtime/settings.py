"""What the environment says: read once, when a process starts."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.errors import Misconfigured

VERSION = "0.1.0"
# Where the functions live, and keep what is theirs, unless `NAMESPACE` says otherwise.
NAMESPACE = "kepler-operator"
IMAGE_PREFIX = "RELATED_IMAGE_"
ALL = "all"
# Of the tokens with which people ask `audit`: whoever else gets hold of one can do nothing with it.
AUDIENCE = "kepler-on-knative"
# The audience of tokens that are good for the console and for nothing else.
AUDIENCE = "kepler-on-knative"
# Of a process that is to be called from this machine only: the embedded default's.
LOOPBACK_ONLY = "LOOPBACK_ONLY"


class Settings(BaseModel):
    """The settings of one process.

    `function` is the one to serve, or `all` for every function by path; `namespace` is the functions' own; `images`
    are the `RELATED_IMAGE_*` defaults of operands; `log_level` is one of logging's names. With `loopback_only`, a
    request that calls this process by another name than this machine's is refused.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    function: str
    namespace: str = NAMESPACE
    log_level: str = "INFO"
    images: Mapping[str, str] = MappingProxyType({})
    otlp_endpoint: str = ""
    loopback_only: bool = False


def settings(environment: Mapping[str, str], functions: tuple[str, ...]) -> Settings:
    """The settings in `environment`; raises Misconfigured with what to set."""
    chosen = environment.get("FUNCTION", "")
    if chosen not in (*functions, ALL):
        raise Misconfigured(f"`FUNCTION` is '{chosen}': set it to one of {', '.join(functions)}, or to '{ALL}'")
    try:
        return Settings(
            function=chosen,
            namespace=environment.get("NAMESPACE") or NAMESPACE,
            log_level=environment.get("LOG_LEVEL", "INFO").upper(),
            images={name: value for name, value in environment.items() if name.startswith(IMAGE_PREFIX) and value},
            otlp_endpoint=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            loopback_only=environment.get(LOOPBACK_ONLY) or False,
        )
    except ValidationError as wrong:
        raise Misconfigured(f"the environment is wrong: {wrong}") from wrong
