"""A bare control plane with everything installed that a function may meet: the kinds of Prometheus' and OpenShift's."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crds.kepler_machine_config import ROLES
from installation import compact
from installation.installed_objects import Object
from local.kubectl import documents
from local.layout import ROOT
from local.ports import Ports
from local.stack import Stack
from operands import children
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CRD,
    NODES_CONFIG,
    NODES_POOL,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Ref,
)
from runtime.objects import (
    NAMESPACE as NAMESPACES,
)
from tests import policies
from tests.faults.destinations import Form
from tests.protocol.test_machine_config_applied import WRITES, definition, pool
from tests.protocol.test_monitoring_applied import MONITORS, RULES
from tests.workbench import create_namespace

NAMESPACE = "faults"
# What functions look at, and what stays whatever a scenario does.
INSTALLED = (
    Ref(NAMESPACES, "", NAMESPACE),
    Ref(CLUSTER_ROLE_BINDING, "", children.EXPORTER),
    *(Ref(CRD, "", f"{kind.plural}.{kind.group}") for kind in (SERVICE_MONITOR, PROMETHEUS_RULE, NODES_CONFIG)),
    *(Ref(NODES_POOL, "", role) for role in ROLES),
)


def _writes(form: Form) -> list[Object]:
    """What lets `machine_config` write, as an overlay of this form has it."""
    objects = documents((ROOT / WRITES).read_text())
    changed = compact.compacted(objects) if form is Form.COMPACT else objects
    return [manifest for manifest in changed if manifest["apiVersion"].startswith("rbac.")]


@contextmanager
def plane(state: Path, programs: Path, form: Form = Form.BASE) -> Iterator[Stack]:
    """etcd and a kube-apiserver with our CRDs, Roles and ServiceAccounts, and an empty namespace."""
    with Stack(state, Ports.free(), programs=programs) as stack:
        stack.start_control_plane(bare=True)
        stack.install_bare(ROOT / "config" / form.value)
        policies.await_force(stack)
        stack.kubectl.apply(_writes(form))
        for entry in (MONITORS, RULES, definition(NODES_CONFIG), definition(NODES_POOL)):
            stack.kubectl("apply", "-f", "-", stdin=json.dumps(entry))
        stack.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        for role in ROLES:
            made = {**pool(), "metadata": {"name": role}}
            stack.kubectl("apply", "-f", "-", stdin=json.dumps(made))
        create_namespace(stack, NAMESPACE)
        yield stack
