"""The way of an event: from the source through the Broker and the Triggers to the functions. Pure."""

from collections import Counter
from collections.abc import Iterator

from cli.doctor.check import APPLY, Check, Seen, fail, generated, shown, summed, unlike, warn
from cli.kinds import BROKER, CLOCK, EVENT_SOURCE, TRIGGER
from cli.parts import Parts, loopback, unready
from functions import wiring
from runtime.objects import Manifest, metadata, name
from runtime.settings import VERSION

OF_VERSION = "app.kubernetes.io/version"
LOOK = "kubectl describe -n kepler-operator"


def eventing(seen: Seen) -> Iterator[Check]:
    """Source, clock and Broker: there, as generated, and Ready."""
    if not seen.installed.readable:
        yield warn("events", "you may not read what is in namespace 'kepler-operator'", "ask somebody who may")
        return
    if not seen.installed.eventing:
        yield fail("events", "the cluster has no Knative Eventing", "https://knative.dev/docs/install, then " + APPLY)
        return
    found = [
        *(check for kind in (EVENT_SOURCE, CLOCK) for check in _parts(seen, kind.name)),
        *_broker(seen),
    ]
    yield from summed("events", found, "source, clock and Broker are Ready, and as this version has them")


def _parts(seen: Seen, kind: str) -> Iterator[Check]:
    for wanted in generated(kind):
        called = f"{kind} '{name(wanted)}'"
        there = seen.find(kind, name(wanted))
        if there is None:
            yield fail("events", f"{called} does not exist", APPLY)
            continue
        if paths := unlike(wanted["spec"], there.get("spec")):
            yield fail("events", f"{called} is not as this version has it: {shown(paths)}", APPLY)
        if said := unready(there):
            yield fail("events", f"{called} is not Ready: {said}", f"{LOOK} {kind.lower()} {name(wanted)}")


def _broker(seen: Seen) -> Iterator[Check]:
    there = seen.find(BROKER.name, wiring.BROKER)
    if there is None:
        yield fail("events", f"Broker '{wiring.BROKER}' does not exist", APPLY)
        return
    if said := unready(there):
        yield fail("events", f"Broker '{wiring.BROKER}' is not Ready: {said}", f"{LOOK} broker {wiring.BROKER}")
    has = metadata(there).get("annotations") or {}
    for key, value in {**wiring.CLASS, **wiring.ASYNC}.items():
        if has.get(key) != value:
            slow = ": one slow event holds up all others" if key in wiring.ASYNC else ""
            yield warn("events", f"Broker '{wiring.BROKER}' has not `{key}: {value}`{slow}", APPLY)


def triggers(seen: Seen) -> Iterator[Check]:
    """Each function's: there, Ready, and with the filters and the delivery of this version."""
    if not (seen.installed.readable and seen.installed.eventing):
        return
    wanted = list(generated(TRIGGER.name))
    found = (check for one in wanted for check in _trigger(seen, one))
    yield from summed("triggers", found, f"{len(wanted)} are Ready, with the filters and the delivery of this version")


def _trigger(seen: Seen, wanted: Manifest) -> Iterator[Check]:
    called = f"Trigger '{name(wanted)}'"
    there = seen.find(TRIGGER.name, name(wanted))
    if there is None:
        yield fail("triggers", f"{called} does not exist", APPLY)
        return
    if said := unready(there):
        yield fail("triggers", f"{called} is not Ready: {said}", f"{LOOK} trigger {name(wanted)}")
    for part, level in (("filters", fail), ("delivery", warn), ("subscriber", fail)):
        if unlike({part: wanted["spec"][part]}, {part: there["spec"].get(part)}):
            yield level("triggers", f"`{part}` of {called} are not this version's", APPLY)


def functions(seen: Seen) -> Iterator[Check]:
    """Each function: it can take events, and is of this version."""
    if not seen.installed.readable:
        return
    wanted = [name(one) for one in generated("Service", "serving")]
    found = [check for one in wanted for check in _function(one, seen.installed.parts.get(one, Parts()), seen)]
    here = sum(1 for one in wanted if seen.installed.parts.get(one, Parts()).answers)
    well = f"{len(wanted)} are Ready"
    if here:
        silent = len(wanted) - here
        unasked = f"; {silent} without a Trigger of its own cannot be asked" if silent else ""
        well = f"{here} answer as processes of this machine, without Knative Serving{unasked}"
    yield from summed("functions", [*found, *_images(seen)], well)


def _function(called: str, parts: Parts, seen: Seen) -> Iterator[Check]:
    if parts.service is not None:
        if said := unready(parts.service):
            yield fail("functions", f"Knative Service '{called}' is not Ready: {said}", f"{LOOK} ksvc {called}")
        version = (metadata(parts.service).get("labels") or {}).get(OF_VERSION)
        if version not in (None, VERSION):
            say = f"Knative Service '{called}' is of version {version}, this program of {VERSION}"
            yield warn("functions", say, "use the same version of both")
    elif parts.answers is False:
        told = f"nothing answers at {parts.address}, where '{called}' should be"
        yield fail("functions", told, "start it: `make status` says what runs, `make run` starts everything")
    elif parts.answers is None and not _here(seen):
        install = "https://knative.dev/docs/install, then " + APPLY
        yield fail("functions", f"Knative Service '{called}' does not exist", APPLY if _serving(seen) else install)


def _images(seen: Seen) -> Iterator[Check]:
    """One image for all: two of them are two versions."""
    services = (one.service for one in seen.installed.parts.values() if one.service is not None)
    images = Counter(image for one in services for image in _of(one))
    if len(images) > 1:
        told = ", ".join(f"{image} ({count})" for image, count in images.most_common())
        yield fail("functions", f"they run different images: {told}", APPLY)


def _of(service: Manifest) -> Iterator[str]:
    template = (service.get("spec") or {}).get("template") or {}
    yield from (str(one.get("image")) for one in (template.get("spec") or {}).get("containers") or ())


def _serving(seen: Seen) -> bool:
    """Whether the cluster has Knative Services."""
    return any(one.serving for one in seen.installed.parts.values())


def _here(seen: Seen) -> bool:
    """Whether the functions are processes of this machine."""
    return any(loopback(one.address) for one in seen.installed.parts.values())
