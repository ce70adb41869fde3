"""Who changed the object of an event: the owner of what was put back, or nobody."""

from dataclasses import dataclass
from typing import Any

import pytest

from runtime.differences import FieldChange
from runtime.objects import DAEMON_SET, Ref
from runtime.reconciled import AcceptedWrite
from runtime.reports import cause
from tests.pure.test_reports import entry, shown
from tests.workbench import update


@dataclass(frozen=True)
class PutBack:
    """Who owns what in the DaemonSet as the function read it, what it put back there, and who is named."""

    does: str
    owned: tuple[dict[str, Any], ...]
    path: str
    by: str


HOST_PID = "spec.template.spec.hostPID"


def owner(manager: str, time: str, field: str, operation: str = "Update") -> dict[str, Any]:
    """The owner of one field of the pod template."""
    fields: dict[str, Any] = {"f:spec": {"f:template": {"f:spec": {f"f:{field}": {}}}}}
    return {"manager": manager, "operation": operation, "time": f"2026-01-31T11:00:{time}Z", "fieldsV1": fields}


CONTROLLER = {
    **owner("kube-controller-manager", "30", "x"),
    "subresource": "status",
    "fieldsV1": {"f:status": {"f:numberReady": {}}},
}
OURS = owner("kepler-collector", "00", "serviceAccountName", "Apply")
WITH_HOST_PID = owner("kepler-collector", "00", "hostPID", "Apply")
PUT_BACKS = (
    PutBack(
        "a value is taken over, and a status follows",
        (OURS, owner("gitops", "20", "hostPID"), CONTROLLER),
        HOST_PID,
        "gitops",
    ),
    PutBack("a zero value has no owner", (OURS, CONTROLLER), HOST_PID, ""),
    PutBack("nor has one beside an older change", (OURS, owner("gitops", "10", "dnsPolicy"), CONTROLLER), HOST_PID, ""),
    PutBack("a decision of its own, after a status", (WITH_HOST_PID, CONTROLLER), HOST_PID, "kube-controller-manager"),
    PutBack(
        "a part of what is owned as one",
        (OURS, owner("gitops", "20", "affinity")),
        "spec.template.spec.affinity.x",
        "gitops",
    ),
    PutBack("a name that only begins alike", (OURS, owner("gitops", "20", "hostPIDs")), HOST_PID, ""),
)


@pytest.mark.parametrize("case", PUT_BACKS, ids=lambda case: case.does)
def test_who_owns_what_was_put_back_is_named_or_nobody(case: PutBack) -> None:
    """The API server keeps no owner of a field that is not there; the newest entry is then about something else."""
    event = update(shown(*case.owned, kind=DAEMON_SET))
    change = AcceptedWrite(
        Ref(DAEMON_SET, "energy", event.name), "changed", (FieldChange(case.path, None, after=True),)
    )
    told = cause(event, [event.object], [change], "kepler-collector")
    assert told.by == case.by
    assert (told.changed is None) is (case.by == "")


def test_a_spec_that_is_newer_than_the_status_was_not_changed_by_its_controller() -> None:
    """`status`, which puts nothing back, is woken by the same change."""
    status = entry("kube-controller-manager", "2026-01-31T11:00:09Z", operation="Update", subresource="status")
    for at, by in (("05", ""), ("09", "gitops")):
        manifest = shown(entry("gitops", f"2026-01-31T11:00:{at}Z"), status, kind=DAEMON_SET, generation=4)
        assert cause(update({**manifest, "status": {"observedGeneration": 3}})).by == by
        assert cause(update({**manifest, "status": {"observedGeneration": 4}})).by != ""
