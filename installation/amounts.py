"""The admission policy that refuses invalid amounts in a Kepler; rules of the schema cannot see fractional numbers.

`cpu: 0.5` is a number in YAML, and accepted (`crds.core`, ANY_NUMBER). A value that is neither a number nor a quantity,
a request above its limit, and a claim of size 0 are refused when they are applied, with the name of the field. In an
installation without admission policies, the API server refuses the pods instead, and the condition says so.
"""

from crds.meta import GROUP
from installation.admission import AdmissionPolicy, matching, spec_of
from installation.installed_objects import Object
from installation.user_roles import RESOURCE

NAME = "kepler-amounts"
# Blocks with `limits` and `requests`, and fields with one amount, which must be above 0.
RESOURCES = ("collector.resources", "estimator-sidecar.resources", "model-server.resources")
SIZES = ("model-server.storage.claim.size",)

_IS_AMOUNT = "(type({0}) == string || type({0}) == int || type({0}) == double) && isQuantity(string({0}))"


def policy() -> list[Object]:
    """Return the policy and its binding."""
    variables = {"spec": spec_of("object")}
    variables |= {_variable(path, part): _amounts(path, part) for path in RESOURCES for part in ("limits", "requests")}
    validations = [validation for path in RESOURCES for validation in _resources(path)] + [
        _size(path) for path in SIZES
    ]
    return AdmissionPolicy(NAME, [matching(GROUP, [RESOURCE])], validations, variables).objects()


def _resources(path: str) -> list[Object]:
    limits, requests = (f"variables.{_variable(path, part)}" for part in ("limits", "requests"))
    amount, least, most = (_IS_AMOUNT.format(it) for it in ("amounts[name]", f"{requests}[name]", f"{limits}[name]"))
    compared = f"quantity(string({requests}[name])).compareTo(quantity(string({limits}[name]))) <= 0"
    return [
        _validation(
            f"[{limits}, {requests}].all(amounts, amounts.all(name, {amount}))",
            f"the amounts of `{path}` must be numbers or text, such as 0.5, '500m' or '1Gi'",
        ),
        _validation(
            f"{requests}.all(name, !(name in {limits}) || !({least}) || !({most}) || {compared})",
            f"a request of `{path}.requests` must not be above its limit: raise it in `{path}.limits`, or lower it",
        ),
    ]


def _size(path: str) -> Object:
    above = "quantity(string(size)).isGreaterThan(quantity('0'))"
    return _validation(
        f"[{_value(path)}].all(size, size == null || {_IS_AMOUNT.format('size')} && {above})",
        f"`{path}` must be an amount greater than 0, such as '5Gi'; leave it out for '5Gi'",
    )


def _variable(path: str, part: str) -> str:
    """Return the name of the variable for a block's limits or requests."""
    return f"{path.partition('.')[0].replace('-', '_')}_{part}"


def _amounts(path: str, part: str) -> str:
    """Return a CEL expression for a block's limits or requests; an empty map if there are none."""
    return f"[{_value(f'{path}.{part}')}].map(it, it == null ? dyn({{}}) : it)[0]"


def _value(path: str) -> str:
    """Return a CEL expression for the field at a path below `spec`; null if it or its parent is missing or null."""
    steps = "".join(f".optFlatMap(it, it == null ? optional.none() : it[?'{step}'])" for step in path.split("."))
    return f"optional.of(variables.spec){steps}.orValue(dyn(null))"


def _validation(expression: str, message: str) -> Object:
    return {"expression": expression, "message": message, "reason": "Invalid"}
