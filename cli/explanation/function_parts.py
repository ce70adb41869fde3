"""What a function is made of in the cluster, and what is wrong with that: its Trigger and its Knative Service. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runtime.conditions import READY, conditions
from runtime.objects import Manifest
from runtime.settings import NAMESPACE

# What to do if something of ours is not in the namespace that was looked at.
OTHER_NAMESPACE = "name the functions' namespace by --operator-namespace"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Parts:
    """One function's own. `serving` says that the cluster has Knative Services at all; `answers` what its process said
    when it was asked directly, None where it was not."""

    trigger: Manifest | None = None
    service: Manifest | None = None
    serving: bool = True
    answers: bool | None = None

    @property
    def address(self) -> str:
        """Where its events go; empty where Knative has not said."""
        return str(((self.trigger or {}).get("status") or {}).get("subscriberUri") or "")


@dataclass(frozen=True)
class Installation:
    """The parts of all functions by their Trigger's name; `eventing` says whether the cluster has Knative Eventing.

    `readable` is False where the user may not look; `namespace` is where all of them should be.
    """

    namespace: str = NAMESPACE
    eventing: bool = True
    readable: bool = True
    parts: Mapping[str, Parts] = field(default_factory=dict)


def loopback(address: str) -> bool:
    """Whether an address is this machine's own: the functions are processes here."""
    return (urlsplit(address).hostname or "") in LOOPBACK


def trouble(installed: Installation, manager: str, *, triggered: bool = True) -> str:
    """What of a function keeps events from it, in a sentence; empty where nothing does or nobody may look."""
    if not installed.readable:
        return ""
    if not installed.eventing:
        return "Knative Eventing is not installed: no event reaches any function"
    if not installed.parts:
        return f"no function is in namespace '{installed.namespace}': apply `config/`, or {OTHER_NAMESPACE}"
    return next(_troubles(installed.parts.get(manager, Parts()), manager, triggered=triggered), "")


def _troubles(parts: Parts, manager: str, *, triggered: bool) -> Iterator[str]:
    if triggered and parts.trigger is None:
        yield f"Trigger '{manager}' does not exist: apply `config/` again"
    if parts.trigger is not None and (problem := unready(parts.trigger)):
        yield f"Trigger '{manager}' is not Ready: {problem}"
    if parts.service is not None and (problem := unready(parts.service)):
        yield f"Knative Service '{manager}' is not Ready: {problem}"
    if parts.service is None and parts.answers is False:
        yield f"nothing answers at {parts.address}, where Trigger '{manager}' sends to: start the function"
    if parts.service is None and parts.serving and not loopback(parts.address):
        yield f"Knative Service '{manager}' does not exist: apply `config/` again"


def unready(manifest: Manifest) -> str:
    """Why an object of Knative's is not Ready, in its own words; empty where it is."""
    condition = conditions(manifest).get(READY)
    if condition is None:
        return "no controller has looked at it: is Knative running?"
    if condition.get("status") == "True":
        return ""
    return str(condition.get("message") or condition.get("reason") or "it does not say why")
