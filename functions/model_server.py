"""Function `model_server`: the server of power models (Deployment, Service, ConfigMap, storage).

Woken by the Kepler, by `kepler-cfm` when somebody edits it, by its own children, and when the namespace starts or stops
to allow privileged pods: it makes a server only in a namespace that allows them. While the server is off, it writes its
keys in any namespace, and removes the objects of the server.
Owns `MODEL_SERVER_*` in `kepler-cfm`, from which exporter and estimator read the server's address, and all keys of
`kepler-model-server-cfm` except those that a user adds.
"""

from dataclasses import replace
from functools import partial

from crds.kepler import Kepler
from crds.model_server_fields import ModelServer, OnDelete, StorageType
from operands import architecture, cfm, children, kepler_v07, model_pod, model_store, namespaces, release
from operands.cfm import Key
from runtime.conditions import reports_true
from runtime.declaration import Function, Observed, Wake, manager
from runtime.objects import (
    CONFIG_MAP,
    DEPLOYMENT,
    KEPLER,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    SERVICE,
    Manifest,
    Ref,
)
from runtime.outcome import Intent, Outcome, converged, rejected
from runtime.ownership import owned_by

NAME = "model_server"
CONDITION = "ModelServerReconciled"
# The keys of `kepler-cfm` that this function always writes.
KEYS = frozenset(
    {
        Key.MODEL_SERVER_ENABLE,
        Key.MODEL_SERVER_MODEL_LIST_PATH,
        Key.MODEL_SERVER_MODEL_REQ_PATH,
        Key.MODEL_SERVER_PORT,
        Key.MODEL_SERVER_URL,
    }
)


def desired(observed: Observed) -> Outcome:
    """Return server and storage if the server is enabled; else its keys, and the claim as `on-delete` says."""
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    kepler = Kepler.model_validate(observed.parent)
    if kepler.spec.model_server.enabled:
        return (
            namespaces.reject_namespace(observed)
            or _impossible(observed, kepler)
            or _unchangeable(observed, kepler)
            or _unreachable(observed, kepler)
            or _server(observed, observed.parent, kepler)
        )
    kept, absent = _unused(observed, observed.parent, kepler)
    nothing = converged(
        *_keys(observed.parent, observed.key, kepler),
        *kept,
        reason="Disabled",
        message="`model-server.enabled` is off",
    )
    return replace(nothing, absent=(*workload(observed.key), *absent))


def decided(observed: Observed) -> Outcome:
    """Return the decision that follows from the Kepler alone: the keys in `kepler-cfm`, or a rejection."""
    assert observed.parent is not None  # noqa: S101 (asked of a Kepler that exists)
    kepler = Kepler.model_validate(observed.parent)
    outcome = converged(*_keys(observed.parent, observed.key, kepler), message="where the model server is")
    return (kepler.spec.model_server.enabled and _impossible(observed, kepler)) or outcome


def _keys(parent: Manifest, key: Ref, kepler: Kepler) -> tuple[Intent, ...]:
    """Return this function's part of `kepler-cfm`, which only line v0.7 has."""
    return () if release.is_v011(kepler.spec.collector) else (cfm.intent(parent, key, keys(kepler)),)


def keys(kepler: Kepler) -> dict[Key, str]:
    """Return the keys that say whether and where there is a model server.

    Its paths are built into it (kepler-model-server:src/kepler_model/server).
    """
    wanted = kepler.spec.model_server
    host = f"{children.MODEL_SERVER}.{kepler.namespace}.svc"  # completed by any cluster's domain
    return {
        Key.MODEL_SERVER_ENABLE: str(wanted.enabled).lower(),
        # Both readers add the port to their own default only; any other URL is used as it is.
        Key.MODEL_SERVER_URL: f"http://{host}:{wanted.port}",
        Key.MODEL_SERVER_PORT: str(wanted.port),
        Key.MODEL_SERVER_MODEL_REQ_PATH: kepler_v07.MODEL_PATH,
        Key.MODEL_SERVER_MODEL_LIST_PATH: kepler_v07.MODEL_LIST_PATH,
    }


def _impossible(observed: Observed, kepler: Kepler) -> Outcome | None:
    if release.is_v011(kepler.spec.collector):
        return release.not_in_v011("model-server.enabled", kepler.spec.collector)
    return image_refusal(observed, kepler) or refusal(kepler)


def _unchangeable(observed: Observed, kepler: Kepler) -> Outcome | None:
    """Return a rejection if the existing claim cannot be changed as requested, else None."""
    storage = kepler.spec.model_server.storage
    if storage.type is not StorageType.CLAIM:
        return None
    problem = model_store.claim_change_error(observed.key, observed.get(children.claim(observed.key)), storage.claim)
    return rejected("ClaimUnchangeable", problem) if problem else None


def _unreachable(observed: Observed, kepler: Kepler) -> Outcome | None:
    """Return a rejection if the Service has IPv6 addresses, on which the server does not listen; else None.

    None also before the Service exists. The server listens on 0.0.0.0, which is IPv4 alone
    (kepler-model-server v0.7.12:src/kepler_model/server/model_server.py, run). Probes, clients and the Service take the
    cluster's first address family.
    """
    service = observed.get(children.model_service(observed.key)) or {}
    families = (service.get("spec") or {}).get("ipFamilies") or ()
    image = kepler_v07.image(kepler.spec.model_server.image, kepler_v07.MODEL_SERVER_IMAGE_SETTING, observed.images)
    if families[:1] != ["IPv6"] or not kepler_v07.is_model_server(image):
        return None
    return rejected(
        "IPv4Required",
        f"Service '{children.MODEL_SERVER}' has IPv6 addresses, as is the cluster's default, and the model server of "
        f"'{image}' listens on IPv4 only: it can be neither probed nor reached; turn `model-server.enabled` off, or "
        f"set `model-server.image` to one that listens on IPv6, and is not called '{kepler_v07.MODEL_SERVER_NAME}'",
    )


def image_refusal(observed: Observed, kepler: Kepler) -> Outcome | None:
    """Return a rejection if the server's image cannot be used, else None."""
    setting, asked = kepler_v07.MODEL_SERVER_IMAGE_SETTING, kepler.spec.model_server.image
    return release.refuse_release(observed, "model-server.image", asked, setting, release.unusable_model_server)


def refusal(kepler: Kepler) -> Outcome | None:
    """Return a rejection if models are to be trained, which no release can do, else None.

    The trainer ends before its first query: it makes a `ProfileBackgroundIsolator` without a required argument
    (kepler-model-server v0.7.12:src/kepler_model/train/online_trainer.py, train/isolator/isolator.py; every release
    since v0.6.0 has these lines). A container that ends makes its pod unready, so the name of the headless Service has
    no address, and exporters find no model server.
    """
    if not kepler.spec.model_server.training.online:
        return None
    return rejected(
        "NotWorkingInThisRelease",
        "`model-server.training.online` is on, and the trainer of every release of Kepler's model server ends with an "
        "error before it has trained anything, and takes the server with it: turn it off, and have models that were "
        "trained elsewhere served from an archive that `model-server.pipelines` names, or fetched from the `init-url` "
        "of a model",
    )


def without_effect(server: ModelServer) -> str:
    """Return a remark on the fields of training that are set; empty if none is."""
    plain = ModelServer()
    fields = {
        "sampling-period": server.sampling_period != plain.sampling_period,
        "training.prometheus-url": server.training.prometheus_url,
        "training.step": server.training.step != plain.training.step,
        "training.headers.secret": server.training.headers.secret,
    }
    named = [f"`model-server.{field}`" for field, is_set in fields.items() if is_set]
    have = "has" if len(named) == 1 else "have"
    return f"{', '.join(named)} {have} no effect, since this release trains no models" if named else ""


def _server(observed: Observed, parent: Manifest, kepler: Kepler) -> Outcome:
    key, wanted = observed.key, kepler.spec.model_server
    image = kepler_v07.image(wanted.image, kepler_v07.MODEL_SERVER_IMAGE_SETTING, observed.images)
    rclone = kepler_v07.image(None, kepler_v07.RCLONE_IMAGE_SETTING, observed.images)
    settings = model_pod.settings(kepler)
    digest = model_pod.settings_hash(observed.get(children.model_config(key)), settings, wanted.storage)
    claimed, absent = _claim(observed, parent, kepler)
    remarks = [
        f"the model server runs {image} on port {wanted.port}",
        f"models are kept in '{wanted.storage.type}'",
        architecture.model_server_remark(kepler, image),
        without_effect(wanted),
    ]
    outcome = converged(
        # First what may be refused: the keys announce the server, and it exists only if all of this was accepted.
        *claimed,
        cfm.intent(parent, key, keys(kepler)),
        model_pod.config(parent, key, settings),
        model_pod.service(parent, key),
        model_pod.deployment(parent, key, (image, rclone), digest),
        message="; ".join(filter(None, remarks)),
        status={"images": {"modelServer": image}},
    )
    return replace(outcome, absent=absent)


def _claim(observed: Observed, parent: Manifest, kepler: Kepler) -> tuple[tuple[Intent, ...], tuple[Ref, ...]]:
    storage = kepler.spec.model_server.storage
    if storage.type is StorageType.CLAIM:
        claim = observed.get(children.claim(observed.key))
        return (model_store.claim(parent, observed.key, claim, storage.claim),), ()
    return _unused(observed, parent, kepler)


def _unused(observed: Observed, parent: Manifest, kepler: Kepler) -> tuple[tuple[Intent, ...], tuple[Ref, ...]]:
    """Return the intents and the removals for a claim that is not in use.

    `on-delete` decides whether it is kept without an owner, or removed. Only a claim with our owner reference is ever
    removed, so a claim that was kept until now gets the reference first.
    """
    ref = children.claim(observed.key)
    actual, wanted = observed.get(ref), kepler.spec.model_server.storage.claim
    if actual is None or not model_store.is_ours(actual, FUNCTION.manager):
        return (), ()
    if wanted.on_delete is OnDelete.DELETE and owned_by(parent, actual):
        return (), (ref,)
    return (model_store.unused(parent, observed.key, actual, FUNCTION.manager, wanted),), ()


def workload(key: Ref) -> tuple[Ref, ...]:
    """Return the objects to remove as soon as no server is wanted."""
    return children.deployment(key), children.model_service(key), children.model_config(key)


def _kept(claim: Manifest) -> bool:
    return model_store.intact(claim, FUNCTION.manager)


FUNCTION = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    keys=KEYS,
    decide_keys=decided,
    wakes=(
        Wake(KEPLER, nothing_to_do=reports_true(CONDITION)),
        cfm.wake(NAME, KEYS),
        Wake(CONFIG_MAP, (children.MODEL_CONFIG,)),
        Wake(DEPLOYMENT, (children.MODEL_SERVER,), nothing_to_do=partial(children.progresses, manager=manager(NAME))),
        Wake(SERVICE, (children.MODEL_SERVER,)),
        Wake(PERSISTENT_VOLUME_CLAIM, (children.CLAIM,), nothing_to_do=_kept),
        namespaces.WAKE,
    ),
    children=lambda key: (children.cfm(key), children.claim(key), *workload(key)),
    # A child for this function's keys, an input for the user's keys: the hash in the pod template covers both.
    inputs=lambda key: (children.model_config(key),),
    removes=lambda key: (children.claim(key), *workload(key)),
    references=lambda key, parent: (namespaces.ref(key),) if parent else (),
    reads=(NAMESPACE,),
    desired=desired,
)
