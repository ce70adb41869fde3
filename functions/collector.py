"""The exporter on every node: ServiceAccount, binding, Service and DaemonSet, with the estimator beside it if asked.

Wakes on the Kepler (also when another function has reported on it), on `kepler-cfm`, on its own children, and when the
namespace allows or forbids privileged pods.
Owns the exporter's own keys in `kepler-cfm`. It starts the exporter once: it writes nothing until the configuration
is settled, that is until every other owner of keys reports `True` for this generation, and its keys are in place and
as it would decide on them now. It writes nothing in a namespace that does not allow privileged pods.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from crds.kepler import Kepler
from events.outcome_words import Word
from functions import collected_metric, estimator, exported_power, model_server
from operands import architecture, cfm, children, engine, exporter, namespaces, release, settled_config, sidecar
from operands.cfm import Key
from runtime import declaration
from runtime.adoption import others, resync
from runtime.awaited import blocked, is_up_to_date
from runtime.declaration import Function, Input, Observed, Permission, Wake
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DAEMON_SET,
    KEPLER,
    NAMESPACE,
    SERVICE,
    SERVICE_ACCOUNT,
    Collection,
    Manifest,
    Ref,
    terminates,
)
from runtime.outcome import Intent, Outcome, converged, pending, rejected

NAME = "collector"
CONDITION = "CollectorReconciled"
# The keys of `kepler-cfm` that it always writes.
KEYS = frozenset(
    {
        Key.BIND_ADDRESS,
        Key.ENABLE_EBPF_CGROUPID,
        Key.KEPLER_LOG_LEVEL,
        Key.KEPLER_NAMESPACE,
        Key.METRIC_PATH,
        Key.SAMPLE_PERIOD_SEC,
    }
)

# The other owners of keys of `kepler-cfm`.
KEY_OWNERS = (collected_metric.FUNCTION, exported_power.FUNCTION, estimator.FUNCTION, model_server.FUNCTION)


def desired(observed: Observed) -> Outcome:
    """The exporter's objects, once the configuration they start with is settled."""
    assert observed.parent is not None  # noqa: S101 (the protocol calls `gone` otherwise)
    parent = observed.parent
    return (
        namespaces.refuse_closed(observed)
        or _others(observed, parent)
        or blocked(FUNCTION, parent, "the exporter")
        or _incomplete(observed)
        or _exporter(observed, parent)
    )


def _others(observed: Observed, parent: Manifest) -> Outcome | None:
    """Which of the exporter's objects somebody else made: all of them in one message, before anybody waits."""
    own = (ref for ref in FUNCTION.children(observed.key) if ref not in FUNCTION.installed)
    return others(observed.key, parent, ((ref, observed.get(ref)) for ref in own))


def _incomplete(observed: Observed) -> Outcome | None:
    """Whose keys are not in place: someone edited them just now, and their owner is about to mend that.

    Or an owner is about to decide anew: what a Kepler refers to has generations of its own, of which conditions tell
    nothing.
    """
    config = observed.get(children.cfm(observed.key))
    for owner in KEY_OWNERS:
        decision = owner.decided_keys(observed)
        if decision.word is not Word.CONVERGED:
            return pending(f"`{owner.condition}` is about to say: {decision.message}")
        if not (cfm.intact(config, owner.manager, owner.keys) and cfm.holds(config, decision.intents)):
            return pending(f"the keys of `{owner.condition}` are not in place in `{children.CFM}`")
    return None


def _exporter(observed: Observed, parent: Manifest) -> Outcome:
    kepler, key = Kepler.model_validate(parent), observed.key
    bound = observed.get(children.binding(key))
    config = observed.get(children.cfm(key))
    if bound is None or config is None:
        return rejected(
            "NotInstalled",
            f"ClusterRoleBinding '{children.EXPORTER}', which lets exporters read pods and node metrics, does not "
            f"exist: apply `config/` again, then run `{resync(key)}`",
        )
    asked = kepler.spec.collector.image
    if refused := release.refuse_release(observed, "collector.image", asked, engine.IMAGE_SETTING, release.unusable):
        return refused
    image = engine.image(asked, engine.IMAGE_SETTING, observed.images)
    beside = sidecar.image(kepler, observed.images)
    keys = exporter.keys(kepler)
    settled = settled_config.data(config, keys)
    remarks = [*release.remarks(image), architecture.remark(kepler, beside)]
    if refused := settled_config.too_large(settled):
        return refused
    return converged(
        _binding(key, bound, subject(key), present=True),
        exporter.account(parent, key),
        cfm.intent(parent, key, keys),
        exporter.service(parent, key),
        exporter.daemon_set(
            parent, key, exporter.PodInputs(image, settled, cfm.configuration_hash(config, keys), beside)
        ),
        message="; ".join([f"the exporter runs {image} on port {kepler.spec.collector.port}", *filter(None, remarks)]),
        status={"images": {"collector": image, **({"estimator": beside} if beside else {})}},
    )


def gone(observed: Observed) -> Outcome | None:
    """Takes the ServiceAccount out of the shared binding, when no Kepler is left in the namespace.

    Everything else in the namespace is removed by garbage collection.
    """
    bound = observed.get(children.binding(observed.key))
    siblings = observed.collections[Collection(KEPLER, observed.key.namespace)]
    if bound is None or any(not terminates(sibling) for sibling in siblings):
        return None
    without = _binding(observed.key, bound, subject(observed.key), present=False)
    return converged(without, message="no exporter is left in this namespace")


def subject(key: Ref) -> Manifest:
    """The exporter's ServiceAccount, as a binding names it."""
    return {"kind": "ServiceAccount", "name": children.ACCOUNT, "namespace": key.namespace}


def _binding(key: Ref, bound: Manifest, ours: Manifest, *, present: bool) -> Intent:
    """The shared list of subjects with or without ours; it is one field to the API server, so all others go along.

    Where ours is in it, it is passed on as it is: thousands of namespaces may share it.
    """
    there = subjects(bound)
    if present and ours in there:
        return Intent(children.binding(key), {"subjects": there})
    wanted = [*(subject for subject in there if subject != ours), *([ours] if present else [])]
    return Intent(children.binding(key), {"subjects": wanted} if wanted else {})


def subjects(bound: Manifest) -> list[Manifest]:
    """Who the shared binding gives the exporters' permissions to."""
    return bound.get("subjects") or []


def orphan_keys(shared: Mapping[Ref, Manifest | None]) -> Iterator[Ref]:
    """A key in each namespace whose exporters are in the shared binding."""
    for bound in shared.values():
        for subject in subjects(bound or {}):
            if (subject.get("kind"), subject.get("name")) == ("ServiceAccount", children.ACCOUNT):
                yield Ref(KEPLER, subject["namespace"], children.ACCOUNT)


def refers(key: Ref, parent: Manifest | None) -> tuple[Input, ...]:
    """What the owners of keys decide from, and the namespace; once the Kepler is gone, those that are left there."""
    if parent is None:
        return (Collection(KEPLER, key.namespace),)
    return (*exported_power.FUNCTION.refers(key, parent), namespaces.ref(key))


def _idle(kepler: Manifest) -> bool:
    """Return whether an awaited function has to report first, or the Kepler already has the condition to write."""
    return is_up_to_date(FUNCTION, kepler, blocked(FUNCTION, kepler, "the exporter"))


FUNCTION: Function = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    awaits=tuple(owner.condition for owner in KEY_OWNERS),
    keys=KEYS,
    wakes=(
        Wake(KEPLER, idle=_idle),
        Wake(CONFIG_MAP, (children.CFM,)),
        Wake(DAEMON_SET, (children.EXPORTER,), idle=partial(children.progresses, manager=declaration.manager(NAME))),
        Wake(SERVICE, (children.EXPORTER,)),
        Wake(SERVICE_ACCOUNT, (children.ACCOUNT,)),
        namespaces.WAKE,
    ),
    children=lambda key: (
        children.binding(key),
        children.account(key),
        children.cfm(key),
        children.service(key),
        children.daemon_set(key),
    ),
    inputs=lambda key: (children.cfm(key),),
    patch_only=lambda key: (children.cfm(key),),
    refers=refers,
    reads=(*exported_power.FUNCTION.reads, NAMESPACE),
    desired=desired,
    gone=gone,
    orphan_keys=orphan_keys,
    installed=(Ref(CLUSTER_ROLE_BINDING, "", children.EXPORTER),),
    rules=(Permission("rbac.authorization.k8s.io", "clusterroles", ("bind",), (children.EXPORTER,)),),
)
