"""The generated content of `config`: the functions with their wiring, roles of users, and policies."""

from installation import account_policies, admission, amounts, compact, network, tenants, user_roles, wiring
from installation.installed_objects import Object
from installation.permissions import overlay_roles
from operands import openshift


def base() -> dict[str, list[Object]]:
    """Return file name -> objects, for everything in `config/base` that is generated."""
    return {
        **wiring.base(),
        "user-roles.yaml": user_roles.roles(),
        "amounts.yaml": amounts.policy(),
        "privileged-fields.yaml": admission.privileged_fields(),
        "account-policies.yaml": [*account_policies.images(), *account_policies.policies()],
        "network-policies.yaml": network.policies(),
    }


def overlays() -> dict[str, list[Object]]:
    """Return file name below `config` -> objects, for the generated part of overlays and their components."""
    return {
        "components/compact/compact.yaml": compact.objects(),
        "components/compact/kustomization.yaml": [compact.component()],
        "components/event-policies/event-policies.yaml": network.event_policies(),
        "components/openshift/machine-configs.yaml": overlay_roles(openshift.OVERLAY),
        "components/tenants/cluster-wide.yaml": tenants.cluster_wide(),
        "components/tenants/roles.yaml": tenants.roles(),
        "overlays/compact/namespace/role-bindings.yaml": tenants.bindings(compact.ACCOUNT),
        "overlays/tenants/namespace/role-bindings.yaml": tenants.bindings(),
    }
