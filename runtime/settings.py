"""Settings from the environment, read once when a process starts."""

import logging
import re
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.errors import Misconfigured

VERSION = "0.1.0"
# The functions' own namespace, unless `NAMESPACE` names another.
NAMESPACE = "kepler-operator"
IMAGE_PREFIX = "RELATED_IMAGE_"
ALLOWED_IMAGES = "ALLOWED_IMAGES"
# A repository: registry and path, as `crds.fields` accepts them in an image, without tag and digest.
REPOSITORY = re.compile(r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]+(?=/))?(/[a-z0-9._-]+)*")
ALL = "all"
# Every function that reconciles, in one process, behind one path.
COMPACT = "compact"
# The audience of tokens that are valid for the console only.
AUDIENCE = "kepler-on-knative"
# Set for a process that accepts requests from this machine only, as the embedded one does by default.
LOOPBACK_ONLY = "LOOPBACK_ONLY"


class Settings(BaseModel):
    """The settings of one process.

    `function` is the one to serve, `compact` for all that reconcile behind one path, or `all` for every function and
    listener by path. `namespace` is the functions' own. `images` has the `RELATED_IMAGE_*` defaults of operands, and
    `ALLOWED_IMAGES`, a comma-separated list of further repositories. `log_level` is one of logging's names. With
    `loopback_only`, a request that calls this process by another name than this machine's is refused.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    function: str
    namespace: str = NAMESPACE
    log_level: str = "INFO"
    images: Mapping[str, str] = MappingProxyType({})
    otlp_endpoint: str = ""
    loopback_only: bool = False


def settings(environment: Mapping[str, str], functions: tuple[str, ...]) -> Settings:
    """Return the settings in `environment`; raises Misconfigured with the setting to change."""
    chosen = environment.get("FUNCTION", "")
    if chosen not in (*functions, COMPACT, ALL):
        raise Misconfigured(
            f"`FUNCTION` is '{chosen}': set it to one of {', '.join(functions)}, to '{COMPACT}' for all that reconcile "
            f"in one process, or to '{ALL}'"
        )
    try:
        return Settings(
            function=chosen,
            namespace=environment.get("NAMESPACE") or NAMESPACE,
            log_level=_level(environment.get("LOG_LEVEL") or "INFO"),
            images=_checked(images(environment)),
            otlp_endpoint=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            loopback_only=environment.get(LOOPBACK_ONLY) or False,
        )
    except ValidationError as wrong:
        raise Misconfigured(f"the environment is wrong: {wrong}") from wrong


def _level(name: str) -> str:
    known = logging.getLevelNamesMapping()
    if name.upper() not in known:
        raise Misconfigured(f"`LOG_LEVEL` is '{name}': set it to one of {', '.join(known)}")
    return name.upper()


def images(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings about images; blank values are left out."""
    return {
        name: value
        for name, value in environment.items()
        if value and (name.startswith(IMAGE_PREFIX) or name == ALLOWED_IMAGES)
    }


def _checked(environment: dict[str, str]) -> dict[str, str]:
    for name in environment.get(ALLOWED_IMAGES, "").split(","):
        if name.strip() and not REPOSITORY.fullmatch(name.strip()):
            raise Misconfigured(
                f"`{ALLOWED_IMAGES}` has '{name.strip()}', which is no repository: name repositories without tag and "
                "digest, such as 'registry.example.com/kepler', joined by commas"
            )
    return environment
