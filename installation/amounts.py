"""Amounts of a Kepler that cannot be: an admission policy, since rules of the schema see no number with a fraction.

`cpu: 0.5` is a number in YAML, and taken (`crds.core`, ANY_NUMBER). What is neither a number nor a quantity, a request
above its limit, and a claim of nothing are refused when they are applied, by the name of the field. Where an
installation has no admission policies, the API server refuses the pods instead, and the condition says so.
"""

from crds.meta import GROUP
from installation.admission import AdmissionPolicy, matching, spec_of
from installation.installed_objects import Object
from installation.user_roles import RESOURCE

NAME = "kepler-amounts"
# Blocks of `limits` and `requests`, and fields of one amount above 0.
RESOURCES = ("collector.resources", "estimator-sidecar.resources", "model-server.resources")
SIZES = ("model-server.storage.claim.size",)

_IS_AMOUNT = "(type({0}) == string || type({0}) == int || type({0}) == double) && isQuantity(string({0}))"


def policy() -> list[Object]:
    """The policy and its binding."""
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
    """What the variable of a block's limits or requests is called."""
    return f"{path.partition('.')[0].replace('-', '_')}_{part}"


def _amounts(path: str, part: str) -> str:
    """A block's limits or requests, in CEL; an empty map where there are none."""
    return f"[{_value(f'{path}.{part}')}].map(it, it == null ? dyn({{}}) : it)[0]"


def _value(path: str) -> str:
    """The field at a path below `spec`, in CEL; null where it or what holds it is absent or null."""
    steps = "".join(f".optFlatMap(it, it == null ? optional.none() : it[?'{step}'])" for step in path.split("."))
    return f"optional.of(variables.spec){steps}.orValue(dyn(null))"


def _validation(expression: str, message: str) -> Object:
    return {"expression": expression, "message": message, "reason": "Invalid"}
