"""Function `collector`: the exporter on every node (ServiceAccount, binding, Service, DaemonSet), and its estimator.

Woken by the Kepler (also when another function reports on it), by the KeplerCollectedMetric and the KeplerExportedPower
that it names, by `kepler-cfm`, by its own children, and when the namespace starts or stops to allow privileged pods.

Kepler has two lines of releases, v0.7 and v0.11. They differ in configuration (v0.7: environment keys in ConfigMap
`kepler-cfm`; v0.11: one file in `kepler-config`) and in metrics.

Each key of `kepler-cfm` has one owner: a function, or the user who added it. This function owns the exporter's own
keys. To start the exporter once only, it writes nothing until the configuration is settled: every other function that
owns keys reports `True` for this generation, and its keys are in place with the values that it would decide on now. It
writes nothing in a namespace that does not allow privileged pods.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from crds.collector_fields import Collector, ReleaseLine
from crds.kepler import Kepler
from crds.kepler_collected_metric import Source
from events.outcome_words import Word
from functions import collected_metric, estimator, exported_power, model_server
from operands import (
    additional_config,
    architecture,
    cfm,
    children,
    exporter,
    exporter_v011,
    kepler_config,
    model_server_state,
    namespaces,
    release,
    release_fields,
    settled_config,
    sidecar,
)
from operands.cfm import Key
from runtime import declaration
from runtime.adoption import reject_foreign_objects, resync
from runtime.awaited import await_conditions, is_up_to_date
from runtime.declaration import Function, Input, Observed, Permission, Wake
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    COLLECTED_METRIC,
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    EXPORTED_POWER,
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
# The keys of `kepler-cfm` that this function always writes.
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
    """Return the exporter's objects, once the configuration is settled."""
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    parent = observed.parent
    kepler = Kepler.model_validate(parent)
    # The first outcome counts: each check returns one only if it stops the exporter.
    return (
        namespaces.reject_namespace(observed)
        or _reject_foreign_objects(observed, parent, kepler.spec.collector)
        or await_conditions(FUNCTION, parent, "the exporter")
        or _await_keys(observed)
        or _reject_missing_binding(observed)
        or release.reject_exporter_release(observed, kepler.spec.collector)
        or (_exporter_v011 if release.is_v011(kepler.spec.collector) else _exporter)(observed, parent, kepler)
    )


def _reject_foreign_objects(observed: Observed, parent: Manifest, collector: Collector) -> Outcome | None:
    """Return a rejection that names all exporter objects made by somebody else, else None. Checked before any wait.

    The ConfigMap of the other line of releases is left out: no exporter of this line needs its name.
    """
    config_of_other_line = (children.cfm if release.is_v011(collector) else children.kepler_config)(observed.key)
    not_own = {*FUNCTION.shared_children, config_of_other_line}
    own = (ref for ref in FUNCTION.children(observed.key) if ref not in not_own)
    return reject_foreign_objects(observed.key, parent, ((ref, observed.get(ref)) for ref in own))


def _await_keys(observed: Observed) -> Outcome | None:
    """Return a pending outcome if an owner's keys are not in place in `kepler-cfm`, or are about to change, else None.

    Somebody may have edited them, and their owner is about to correct that. Or an owner is about to decide anew because
    a resource that the Kepler refers to has changed: that resource has its own generation, which conditions do not
    show.
    """
    config = observed.get(children.cfm(observed.key))
    for owner in KEY_OWNERS:
        decision = owner.decided_keys(observed)
        if decision.word is not Word.CONVERGED:
            return pending(f"condition `{owner.condition}` is about to change: {decision.message}")
        if not decision.intents:
            continue  # line v0.11 has no `kepler-cfm`
        if not (cfm.owns_keys(config, owner.manager, owner.keys) and cfm.has_values(config, decision.intents)):
            return pending(
                f"the keys that belong to condition `{owner.condition}` are missing or changed in ConfigMap "
                f"'{children.CFM}'"
            )
    return None


def _reject_missing_binding(observed: Observed) -> Outcome | None:
    """Return a rejection if the binding that `config/` ships is missing, else None."""
    if observed.get(children.binding(observed.key)) is not None:
        return None
    return rejected(
        "NotInstalled",
        f"ClusterRoleBinding '{children.EXPORTER}', which lets exporters read pods and node metrics, does not "
        f"exist: apply `config/` again, then run `{resync(observed.key)}`",
    )


def _exporter(observed: Observed, parent: Manifest, kepler: Kepler) -> Outcome:
    """Return the exporter of line v0.7."""
    key, collector = observed.key, kepler.spec.collector
    config = observed.get(children.cfm(key)) or {}
    image = release.image(collector, observed.images)
    estimator_image = sidecar.image(kepler, observed.images)
    keys = exporter.keys(kepler)
    settled = settled_config.data(config, keys)
    if refused := settled_config.too_large(settled):
        return refused
    server = _server_state(observed, kepler)
    inputs = exporter.PodInputs(image, settled, cfm.configuration_hash(config, keys), estimator_image, server)
    remarks = [
        *release.remarks(image),
        architecture.remark(kepler, estimator_image),
        *release_fields.late_energy(kepler),
        *release_fields.without_effect(kepler),
    ]
    outcome = converged(
        *_shared(observed, parent),
        cfm.intent(parent, key, keys),
        exporter.service(parent, key),
        exporter.daemon_set(parent, key, inputs),
        message=_message(kepler, image, remarks),
        status={"images": {"collector": image, **({"estimator": estimator_image} if estimator_image else {})}},
    )
    return replace(outcome, absent=(children.kepler_config(key),))


def _server_state(observed: Observed, kepler: Kepler) -> str:
    """Return the state of the model server for which exporters are restarted; empty while it is off."""
    if not kepler.spec.model_server.enabled:
        return ""
    running = model_server_state.noted(observed.get(children.daemon_set(observed.key)))
    return model_server_state.state(observed.get(children.deployment(observed.key)), running)


def _exporter_v011(observed: Observed, parent: Manifest, kepler: Kepler) -> Outcome:
    """Return the exporter of line v0.11, with its configuration file."""
    key, collector = observed.key, kepler.spec.collector
    image = release.image(collector, observed.images)
    power, metrics = exported_power.referred_power(observed), collected_metric.referred_metrics(observed)
    if power is None or metrics is None:
        return pending("a resource that the Kepler refers to is missing, and another function is about to report that")
    added = additional_config.read(observed, kepler)
    if isinstance(added, Outcome):
        return added
    if refused := release_fields.refuse_v011(kepler, image):
        return refused
    gpu = Source.GPU in metrics.enabled() and release.reads_gpus_v011(image)
    config = kepler_config.merged(kepler_config.document(kepler, power.spec, gpu=gpu), added.content)
    config_text = kepler_config.text(config)
    remarks = [
        *release.remarks(image, ReleaseLine.V0_11),
        *release_fields.without_effect(kepler),
        *release_fields.pod_informer_ignored(kepler, image),
        *release_fields.unknown_keys(kepler, added.unknown),
        *_unread_keys_remark(observed),
    ]
    outcome = converged(
        *_shared(observed, parent),
        kepler_config.intent(parent, key, config_text),
        exporter.service(parent, key),
        exporter_v011.daemon_set(parent, key, exporter_v011.PodInputsV011(image, config_text, gpu=gpu)),
        message=_message(kepler, image, remarks),
        status={"images": {"collector": image}},
    )
    has_users_keys = bool(cfm.added_keys(observed.get(children.cfm(key))))
    return replace(outcome, absent=() if has_users_keys else (children.cfm(key),))


def _shared(observed: Observed, parent: Manifest) -> tuple[Intent, Intent]:
    """Return what an exporter of any line needs: its ServiceAccount, in the binding that all exporters share."""
    binding = observed.get(children.binding(observed.key)) or {}
    return (
        _binding(observed.key, binding, subject(observed.key), present=True),
        exporter.account(parent, observed.key),
    )


def _message(kepler: Kepler, image: str, remarks: Iterable[str]) -> str:
    return "; ".join([f"the exporter runs {image} on port {kepler.spec.collector.port}", *filter(None, remarks)])


def _unread_keys_remark(observed: Observed) -> Iterator[str]:
    """Yield a remark on keys that users added to `kepler-cfm`, which v0.11 does not read unless the Kepler names it."""
    ref = children.cfm(observed.key)
    added = cfm.added_keys(observed.get(ref))
    if added and ref not in additional_config.references(observed.key, observed.parent or {}):
        yield (
            f"ConfigMap '{children.CFM}' is kept because you added key '{added[0]}' to it; Kepler "
            f"{ReleaseLine.V0_11} does not read this ConfigMap: delete it if you do not need it"
        )


def clean_up(observed: Observed) -> Outcome | None:
    """Return the shared binding without this namespace's ServiceAccount if no Kepler is left there, else None.

    Garbage collection removes all other objects in the namespace.
    """
    binding = observed.get(children.binding(observed.key))
    siblings = observed.collections[Collection(KEPLER, observed.key.namespace)]
    if binding is None or any(not terminates(sibling) for sibling in siblings):
        return None
    intent = _binding(observed.key, binding, subject(observed.key), present=False)
    return converged(intent, message="no exporter is left in this namespace")


def subject(key: Ref) -> Manifest:
    """Return the exporter's ServiceAccount as a subject of the binding."""
    return {"kind": "ServiceAccount", "name": children.ACCOUNT, "namespace": key.namespace}


def _binding(key: Ref, binding: Manifest, own_subject: Manifest, *, present: bool) -> Intent:
    """Return the shared binding's subjects with or without `own_subject`.

    The list is one field to the API server, so it holds all other subjects too. If `own_subject` is in it already, the
    list is returned unchanged: thousands of namespaces may share it.
    """
    existing = subjects(binding)
    if present and own_subject in existing:
        return Intent(children.binding(key), {"subjects": existing})
    wanted = [*(subject for subject in existing if subject != own_subject), *([own_subject] if present else [])]
    return Intent(children.binding(key), {"subjects": wanted} if wanted else {})


def subjects(binding: Manifest) -> list[Manifest]:
    """Return the subjects of the shared binding, which grants the exporters' permissions."""
    return binding.get("subjects") or []


def keys_in_shared_objects(shared: Mapping[Ref, Manifest | None]) -> Iterator[Ref]:
    """Yield one Kepler key for each namespace whose ServiceAccount is a subject of the shared binding.

    Only the namespace counts: the Kepler's name is not in the binding, so a fixed one stands for it.
    """
    for binding in shared.values():
        for subject in subjects(binding or {}):
            if (subject.get("kind"), subject.get("name")) == ("ServiceAccount", children.ACCOUNT):
                yield Ref(KEPLER, subject["namespace"], children.ACCOUNT)


def references(key: Ref, parent: Manifest | None) -> tuple[Input, ...]:
    """Return what the owners of keys decide from, and the Namespace; without a parent, all Keplers in its namespace."""
    if parent is None:
        return (Collection(KEPLER, key.namespace),)
    named = (*exported_power.FUNCTION.references(key, parent), *additional_config.references(key, parent))
    server = [children.deployment(key)] if model_server_state.is_wanted(parent) else []
    return (*named, namespaces.ref(key), *server)


def _nothing_to_do(kepler: Manifest) -> bool:
    """Return whether an awaited function has to report first, or the Kepler already has the condition to write."""
    return is_up_to_date(FUNCTION, kepler, await_conditions(FUNCTION, kepler, "the exporter"))


FUNCTION: Function = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    awaits=tuple(owner.condition for owner in KEY_OWNERS),
    keys=KEYS,
    wakes=(
        Wake(KEPLER, nothing_to_do=_nothing_to_do),
        Wake(COLLECTED_METRIC, for_parent=release.may_be_v011),
        Wake(EXPORTED_POWER, for_parent=release.may_be_v011),
        Wake(CONFIG_MAP, (children.CFM, children.KEPLER_CONFIG)),
        Wake(
            DAEMON_SET,
            (children.EXPORTER,),
            nothing_to_do=partial(children.progresses, manager=declaration.manager(NAME)),
        ),
        Wake(DEPLOYMENT, (children.MODEL_SERVER,), nothing_to_do=model_server_state.is_unavailable),
        Wake(SERVICE, (children.EXPORTER,)),
        Wake(SERVICE_ACCOUNT, (children.ACCOUNT,)),
        namespaces.WAKE,
    ),
    children=lambda key: (
        children.binding(key),
        children.account(key),
        children.cfm(key),
        children.kepler_config(key),
        children.service(key),
        children.daemon_set(key),
    ),
    inputs=lambda key: (children.cfm(key),),
    patch_only=lambda key: (children.cfm(key),),
    references=references,
    reads=(*exported_power.FUNCTION.reads, CONFIG_MAP, NAMESPACE),
    removes=lambda key: (children.cfm(key), children.kepler_config(key)),
    desired=desired,
    clean_up=clean_up,
    keys_in_shared_objects=keys_in_shared_objects,
    shared_children=(Ref(CLUSTER_ROLE_BINDING, "", children.EXPORTER),),
    rules=(
        Permission("apps", "deployments", ("get",), (children.MODEL_SERVER,)),
        Permission("rbac.authorization.k8s.io", "clusterroles", ("bind",), (children.EXPORTER,)),
    ),
)
