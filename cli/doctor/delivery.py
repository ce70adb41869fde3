"""Checks the path of an event from its source to the Triggers: the source, the clock and the Broker. Pure."""

from collections.abc import Iterator

from audit.answers.checks import Check, fail, summed, warn
from cli.doctor.check import APPLY, INSTALL_KNATIVE, ClusterSnapshot, missing_fields, some_paths
from cli.explanation.function_parts import not_ready_reason
from cli.kinds import BROKER, CLOCK, EVENT_SOURCE
from installation import wiring
from runtime.objects import metadata, name


def eventing(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check that source, clock and Broker exist, are as generated, and are Ready."""
    if not snapshot.installed.readable:
        sentence = f"you may not read Triggers and Knative Services in namespace '{snapshot.namespace}'"
        permission = "list triggers.eventing.knative.dev,services.serving.knative.dev"
        ask = f"ask for `{permission}` in namespace '{snapshot.namespace}'"
        yield warn("events", sentence, ask)
        return
    if not snapshot.installed.eventing:
        yield fail("events", "the cluster has no Knative Eventing", INSTALL_KNATIVE)
        return
    checks = [
        *(check for kind in (EVENT_SOURCE, CLOCK) for check in _parts(snapshot, kind.name)),
        *_broker(snapshot),
    ]
    yield from summed("events", checks, "source, clock and Broker are Ready, and as this version has them")


def _parts(snapshot: ClusterSnapshot, kind: str) -> Iterator[Check]:
    for wanted in snapshot.wanted(kind):
        called = f"{kind} '{name(wanted)}'"
        there = snapshot.find(kind, name(wanted))
        if not snapshot.may_see(kind, name(wanted)):
            yield _hidden(snapshot, kind, name(wanted))
            continue
        if there is None:
            yield fail("events", f"{called} does not exist", APPLY)
            continue
        if paths := missing_fields(wanted["spec"], there.get("spec")):
            yield fail("events", f"{called} is not as this version has it: {some_paths(paths)}", APPLY)
        if problem := not_ready_reason(there):
            yield fail(
                "events", f"{called} is not Ready: {problem}", f"{snapshot.describe} {kind.lower()} {name(wanted)}"
            )


def _hidden(snapshot: ClusterSnapshot, kind: str, called: str) -> Check:
    ask = f"ask for `get {kind.lower()}s` in namespace '{snapshot.namespace}'"
    return warn("events", f"you may not read {kind} '{called}'", ask)


def _broker(snapshot: ClusterSnapshot) -> Iterator[Check]:
    there = snapshot.find(BROKER.name, wiring.BROKER)
    if not snapshot.may_see(BROKER.name, wiring.BROKER):
        yield _hidden(snapshot, BROKER.name, wiring.BROKER)
        return
    if there is None:
        yield fail("events", f"Broker '{wiring.BROKER}' does not exist", APPLY)
        return
    if problem := not_ready_reason(there):
        yield fail(
            "events", f"Broker '{wiring.BROKER}' is not Ready: {problem}", f"{snapshot.describe} broker {wiring.BROKER}"
        )
    has = metadata(there).get("annotations") or {}
    for wanted in snapshot.wanted(BROKER.name):
        for key, value in metadata(wanted)["annotations"].items():
            if has.get(key) != value:
                slow = ": one slow event holds up all others" if key in wiring.ASYNC else ""
                yield warn("events", f"Broker '{wiring.BROKER}' has not `{key}: {value}`{slow}", APPLY)
