"""All cases of offered steps."""

from tests.offered import (
    decision_steps,
    image_steps,
    machine_steps,
    refusal_steps,
    unmade_pod_steps,
    workload_steps,
)
from tests.offered.step_case import StepCase

MODULES = (decision_steps, image_steps, refusal_steps, machine_steps, unmade_pod_steps, workload_steps)
CASES: tuple[StepCase, ...] = tuple(case for module in MODULES for case in module.CASES)
# The control plane has IPv4 alone: `tests/pure/test_model_server.py` has the decision, on Services of both families.
# Nothing brings a namespace back that is being deleted: `tests/protocol/test_namespaces.py` has what is said.
ELSEWHERE = {
    ("ModelServerReconciled", "IPv4Required"),
    ("CollectorReconciled", "NamespaceTerminating"),
    ("ModelServerReconciled", "NamespaceTerminating"),
}
