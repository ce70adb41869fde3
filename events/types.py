"""Names of event types. Ours share a prefix; the others are Knative's (eventing v0.50, `pkg/apis/sources/v1`)."""

PREFIX = "io.sustainable-computing.kepler."

RECONCILE_CONVERGED = f"{PREFIX}reconcile.converged.v1"
RECONCILE_WAITING = f"{PREFIX}reconcile.waiting.v1"
RECONCILE_REJECTED = f"{PREFIX}reconcile.rejected.v1"
STATUS_CHANGED = f"{PREFIX}status.changed.v1"
RESYNC_REQUESTED = f"{PREFIX}resync.requested.v1"
REPLAY_REQUESTED = f"{PREFIX}replay.requested.v1"
DISCARD_REQUESTED = f"{PREFIX}discard.requested.v1"
SWEEP_FINISHED = f"{PREFIX}sweep.finished.v1"
MODEL_TRAINED = f"{PREFIX}model.trained.v1"

REPORTS = (RECONCILE_CONVERGED, RECONCILE_WAITING, RECONCILE_REJECTED, STATUS_CHANGED)

# Prefix of the names of the data's JSON Schemas; they are names, and need not be addresses.
SCHEMAS = "https://sustainable-computing.io/kepler/events"

PING = "dev.knative.sources.ping"
RESOURCE_ADD = "dev.knative.apiserver.resource.add"
RESOURCE_UPDATE = "dev.knative.apiserver.resource.update"
RESOURCE_DELETE = "dev.knative.apiserver.resource.delete"
RESOURCES = (RESOURCE_ADD, RESOURCE_UPDATE, RESOURCE_DELETE)

OURS = (*REPORTS, RESYNC_REQUESTED, REPLAY_REQUESTED, DISCARD_REQUESTED, SWEEP_FINISHED, MODEL_TRAINED)
KNOWN = frozenset({*OURS, PING, *RESOURCES})

# Types that request a reconcile of the object that the event's attributes name.
RECONCILE_REQUESTS = (*RESOURCES, RESYNC_REQUESTED)


def schema_of(event_type: str) -> str:
    """Return the `dataschema` of one of our types, the `$id` of its JSON Schema. It changes only with the type."""
    return f"{SCHEMAS}/{event_type.removeprefix(PREFIX)}.json"
