"""Checks the path of an event from its source to the Triggers: the source, the clock and the Broker. Pure."""

from collections.abc import Iterator

from audit.answers.checks import Check, fail, summed, warn
from cli.doctor.check import APPLY, INSTALL_KNATIVE, ClusterSnapshot, missing_fields, some_paths
from cli.explanation.function_parts import not_ready_reason
from cli.kinds import BROKER, CLOCK, EVENT_SOURCE
from installation import wiring
from runtime.objects import metadata, name


def eventing(seen: ClusterSnapshot) -> Iterator[Check]:
    """Check that source, clock and Broker exist, are as generated, and are Ready."""
    if not seen.installed.readable:
        sentence = f"you may not read Triggers and Knative Services in namespace '{seen.namespace}'"
        ask = (
            f"ask for `list triggers.eventing.knative.dev,services.serving.knative.dev` in namespace '{seen.namespace}'"
        )
        yield warn("events", sentence, ask)
        return
    if not seen.installed.eventing:
        yield fail("events", "the cluster has no Knative Eventing", INSTALL_KNATIVE)
        return
    checks = [
        *(check for kind in (EVENT_SOURCE, CLOCK) for check in _parts(seen, kind.name)),
        *_broker(seen),
    ]
    yield from summed("events", checks, "source, clock and Broker are Ready, and as this version has them")


def _parts(seen: ClusterSnapshot, kind: str) -> Iterator[Check]:
    for wanted in seen.wanted(kind):
        called = f"{kind} '{name(wanted)}'"
        there = seen.find(kind, name(wanted))
        if not seen.may_see(kind, name(wanted)):
            yield _hidden(seen, kind, name(wanted))
            continue
        if there is None:
            yield fail("events", f"{called} does not exist", APPLY)
            continue
        if paths := missing_fields(wanted["spec"], there.get("spec")):
            yield fail("events", f"{called} is not as this version has it: {some_paths(paths)}", APPLY)
        if problem := not_ready_reason(there):
            yield fail("events", f"{called} is not Ready: {problem}", f"{seen.describe} {kind.lower()} {name(wanted)}")


def _hidden(seen: ClusterSnapshot, kind: str, called: str) -> Check:
    ask = f"ask for `get {kind.lower()}s` in namespace '{seen.namespace}'"
    return warn("events", f"you may not read {kind} '{called}'", ask)


def _broker(seen: ClusterSnapshot) -> Iterator[Check]:
    there = seen.find(BROKER.name, wiring.BROKER)
    if not seen.may_see(BROKER.name, wiring.BROKER):
        yield _hidden(seen, BROKER.name, wiring.BROKER)
        return
    if there is None:
        yield fail("events", f"Broker '{wiring.BROKER}' does not exist", APPLY)
        return
    if problem := not_ready_reason(there):
        yield fail(
            "events", f"Broker '{wiring.BROKER}' is not Ready: {problem}", f"{seen.describe} broker {wiring.BROKER}"
        )
    has = metadata(there).get("annotations") or {}
    for wanted in seen.wanted(BROKER.name):
        for key, value in metadata(wanted)["annotations"].items():
            if has.get(key) != value:
                slow = ": one slow event holds up all others" if key in wiring.ASYNC else ""
                yield warn("events", f"Broker '{wiring.BROKER}' has not `{key}: {value}`{slow}", APPLY)
