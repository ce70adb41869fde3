"""Every field of a Kepler is guarded or said to be harmless; the policy has all that are guarded."""

import pytest

from effects.field_effects import paths
from installation import admission
from installation.privileges import GUARDED, HARMLESS, Guard

FIELDS = [path.removeprefix("spec.") for path in paths("Kepler", "spec")]


def holds(block: str, field: str) -> bool:
    """Whether a field is this one, or in this block."""
    return field == block or field.startswith(f"{block}.")


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_guarded_or_harmless(field: str) -> None:
    """A new one is to be decided on in `installation.privileges`."""
    paths = [path for path in (*HARMLESS, *(guard.path for guard in GUARDED)) if holds(path, field)]
    assert len(paths) == 1, f"say in installation/privileges.py whether `{field}` needs a right of its own, and why"


@pytest.mark.parametrize("path", [*HARMLESS, *(guard.path for guard in GUARDED)])
def test_what_is_declared_is_a_field(path: str) -> None:
    """One that is renamed is not guarded by its old name."""
    assert [field for field in FIELDS if holds(path, field)]


@pytest.mark.parametrize("guard", GUARDED, ids=lambda guard: guard.path)
def test_the_policy_looks_at_every_field_of_a_block(guard: Guard) -> None:
    """One validation a guard, with a variable for each field in it."""
    spec = admission.privileged_fields()[0]["spec"]
    [validation] = [
        validation for validation in spec["validations"] if validation["message"].startswith(f"`{guard.path}` ")
    ]
    names = {variable["name"] for variable in spec["variables"]}
    for leaf in (field for field in FIELDS if holds(guard.path, field)):
        variable = leaf.replace(".", "_").replace("-", "_")
        assert variable in names
        assert f"variables.{variable}[0] == variables.{variable}[1]" in validation["expression"]


def test_the_policy_fails_closed_and_denies() -> None:
    """An expression that breaks lets nothing through."""
    policy, binding = admission.privileged_fields()
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}
