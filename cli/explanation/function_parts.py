"""A function's Trigger and its Knative Service, and what is wrong with them. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runtime.conditions import READY, conditions
from runtime.objects import Manifest, name
from runtime.settings import NAMESPACE

# What to do if an object of ours is not in the namespace that was read.
OTHER_NAMESPACE = "name the functions' namespace by --operator-namespace"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Parts:
    """The Trigger and the Knative Service of one function.

    `serving` says whether the cluster has Knative Services at all. `answers` says whether its process on this machine
    is ready; None if it was not asked.
    """

    trigger: Manifest | None = None
    service: Manifest | None = None
    serving: bool = True
    answers: bool | None = None

    @property
    def address(self) -> str:
        """Return the address to which its events are sent; empty if the Trigger's status has none."""
        return str(((self.trigger or {}).get("status") or {}).get("subscriberUri") or "")


@dataclass(frozen=True)
class Installation:
    """The parts of all functions by their Trigger's name; `eventing` says whether the cluster has Knative Eventing.

    `readable` is False if the user may not list them; `namespace` is where all of them should be.
    """

    namespace: str = NAMESPACE
    eventing: bool = True
    readable: bool = True
    parts: Mapping[str, Parts] = field(default_factory=dict)


def loopback(address: str) -> bool:
    """Return whether an address is a loopback address: then functions are processes on this machine."""
    return (urlsplit(address).hostname or "") in LOOPBACK


def delivery_problem(installed: Installation, manager: str, *, triggered: bool = True) -> str:
    """Return in a sentence what keeps events from a function; empty if nothing does, or if the user may not read it."""
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
    # With `config/overlays/compact`, the Trigger and the Service of several functions have another name.
    called = name(parts.trigger or {}) or manager
    if parts.trigger is not None and (problem := not_ready_reason(parts.trigger)):
        yield f"Trigger '{called}' is not Ready: {problem}"
    if parts.service is not None and (problem := not_ready_reason(parts.service)):
        yield f"Knative Service '{called}' is not Ready: {problem}"
    if parts.service is None and parts.answers is False:
        yield f"nothing answers at {parts.address}, where Trigger '{called}' sends to: start the function"
    if parts.service is None and parts.serving and not loopback(parts.address):
        yield f"Knative Service '{called}' does not exist: apply `config/` again"


def not_ready_reason(manifest: Manifest) -> str:
    """Return why a Knative object is not Ready, by its condition; empty if it is."""
    condition = conditions(manifest).get(READY)
    if condition is None:
        return "no controller has set its status: is Knative running?"
    if condition.get("status") == "True":
        return ""
    return str(condition.get("message") or condition.get("reason") or "it does not say why")
