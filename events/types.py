"""Names of event types. Ours share a prefix; the others are Knative's (eventing v0.50, `pkg/apis/sources/v1`)."""

PREFIX = "io.sustainable-computing.kepler."

RECONCILE_CONVERGED = f"{PREFIX}reconcile.converged.v1"
RECONCILE_WAITING = f"{PREFIX}reconcile.waiting.v1"
RECONCILE_REJECTED = f"{PREFIX}reconcile.rejected.v1"
STATUS_CHANGED = f"{PREFIX}status.changed.v1"
RESYNC_REQUESTED = f"{PREFIX}resync.requested.v1"
REPLAY_REQUESTED = f"{PREFIX}replay.requested.v1"
SWEEP_FINISHED = f"{PREFIX}sweep.finished.v1"

REPORTS = (RECONCILE_CONVERGED, RECONCILE_WAITING, RECONCILE_REJECTED, STATUS_CHANGED)

PING = "dev.knative.sources.ping"
RESOURCE_ADD = "dev.knative.apiserver.resource.add"
RESOURCE_UPDATE = "dev.knative.apiserver.resource.update"
RESOURCE_DELETE = "dev.knative.apiserver.resource.delete"

# What asks for a reconcile of the object that the event's attributes name.
WAKING = (RESOURCE_ADD, RESOURCE_UPDATE, RESOURCE_DELETE, RESYNC_REQUESTED)
