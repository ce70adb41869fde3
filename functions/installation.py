"""Everything that `config/base` holds: the functions with their wiring, what users may do, and what is refused."""

from functions import account_policies, admission, user_roles, wiring
from functions.wiring import Object


def base() -> dict[str, list[Object]]:
    """File name -> objects, for everything in `config/base` that is generated."""
    return {
        **wiring.base(),
        "user-roles.yaml": user_roles.roles(),
        "privileged-fields.yaml": admission.privileged_fields(),
        "account-policies.yaml": [*account_policies.images(), *account_policies.policies()],
    }
