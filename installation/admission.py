"""ValidatingAdmissionPolicies that make the API server refuse fields of a Kepler for users who lack a permission.

Generated from `installation.privileges` and the schema. Guarded fields are compared with their previous values, so that
a user without the permission may still change the rest of an administrator's Kepler.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

from crds import openapi_schema
from crds.core import Schema
from crds.kepler import Kepler
from crds.meta import GROUP
from installation.installed_objects import Object, manifest
from installation.privileges import GUARDED, Guard
from installation.user_roles import PRIVILEGED, RESOURCE, SUBRESOURCE, VERB

API = "admissionregistration.k8s.io/v1"
POLICY = "ValidatingAdmissionPolicy"
FIELDS_POLICY = "kepler-privileged-fields"

# Values of a field that count as unset.
BLANK = "[dyn(null), dyn(''), dyn([]), dyn({})]"
GRANTED = (
    f"authorizer.group('{GROUP}').resource('{RESOURCE}').subresource('{SUBRESOURCE}')"
    f".namespace(request.namespace).check('{VERB}').allowed()"
)


@dataclass(frozen=True)
class AdmissionPolicy:
    """A policy that fails closed.

    `matched` are rules that match requests, and `conditions` narrow that down. No policy reads a parameter: sometimes
    an API server does not find one for a moment, or until it is restarted, and then refuses what `matched` matches,
    whatever `conditions` say (k8s.io/apiserver v0.35.4: policy_source.go stops the informer of a `paramKind` with the
    last policy that has it, and never starts it again).
    """

    name: str
    matched: list[Object]
    validations: list[Object]
    variables: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)

    def objects(self) -> list[Object]:
        """Return the policy, and the binding that puts it into force everywhere."""
        spec = {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": self.matched},
            **({"matchConditions": _named(self.conditions)} if self.conditions else {}),
            **({"variables": _named(self.variables)} if self.variables else {}),
            "validations": self.validations,
        }
        bound = {"policyName": self.name, "validationActions": ["Deny"]}
        return [
            manifest(API, kind, self.name, "admission", namespaced=False, spec=content)
            for kind, content in ((POLICY, spec), (f"{POLICY}Binding", bound))
        ]


def _named(expressions: Mapping[str, str]) -> list[Object]:
    return [{"name": name, "expression": expression} for name, expression in expressions.items()]


def matching(group: str, resources: list[str], operations: tuple[str, ...] = ("CREATE", "UPDATE")) -> Object:
    """Return a rule that matches requests about these resources."""
    return {"apiGroups": [group], "apiVersions": ["*"], "operations": [*operations], "resources": resources}


def privileged_fields() -> list[Object]:
    """Return the policy that requires, for each guarded field, the user's permission to `use` privileged fields."""
    variables = {"spec": spec_of("object"), "before": spec_of("oldObject"), "blank": BLANK, "granted": GRANTED}
    variables |= {_name(leaf): _values(leaf) for guard in GUARDED for leaf in leaves(guard.path)}
    validations = [_validation(guard) for guard in GUARDED]
    return AdmissionPolicy(FIELDS_POLICY, [matching(GROUP, [RESOURCE])], validations, variables).objects()


def spec_of(of: str) -> str:
    """Return a CEL expression for the spec of an object; it is empty without an object or a spec."""
    return f"{of} == null || dyn({of}).?spec.orValue(null) == null ? dyn({{}}) : dyn({of}.spec)"


def _name(leaf: str) -> str:
    """Return the name of a field's variable."""
    return re.sub("[.-]", "_", leaf)


def _values(leaf: str) -> str:
    """Return a CEL expression for a field's current and previous values; null if the field or its parent is missing."""
    steps = "".join(f".optFlatMap(it, it == null ? optional.none() : it[?'{step}'])" for step in leaf.split("."))
    return f"[variables.spec, variables.before].map(spec, optional.of(spec){steps}.orValue(dyn(null)))"


def _validation(guard: Guard) -> Object:
    unchanged = [_unchanged(f"variables.{_name(leaf)}", guard) for leaf in leaves(guard.path)]
    return {
        "expression": " && ".join(unchanged) + " || variables.granted",
        "message": f"`{guard.path}` needs the verb '{VERB}' on '{RESOURCE}/{SUBRESOURCE}', since {guard.why}",
        "messageExpression": _message(guard),
        "reason": "Forbidden",
    }


def _unchanged(values: str, guard: Guard) -> str:
    """Return a CEL condition: the field is blank, has its previous value, or has a value that anybody may set."""
    free = "".join(f" || {values}[0] == '{value}'" for value in guard.free)
    return f"({values}[0] in variables.blank || {values}[0] == {values}[1]{free})"


def _message(guard: Guard) -> str:
    """Return a CEL expression for the message: which permission is missing, and what an administrator runs."""
    place, user = "request.namespace", "request.userInfo.username"
    parts = (
        quoted(f"`{guard.path}` needs the verb '{VERB}' on '{RESOURCE}/{SUBRESOURCE}' in namespace '"),
        place,
        quoted(f"', since {guard.why}: leave it as it is, or let an administrator run `kubectl create rolebinding "),
        quoted(f"{PRIVILEGED} --clusterrole {PRIVILEGED} --namespace "),
        place,
        quoted(" --user "),
        user,
        quoted("`"),
    )
    return " + ".join(parts)


def quoted(text: str) -> str:
    """Return text as a CEL literal, which has the same form as in JSON."""
    return json.dumps(text, ensure_ascii=False)


def leaves(path: str) -> tuple[str, ...]:
    """Return the paths of the innermost fields of a field or block below `spec`."""
    node = _spec_schema()
    for step in path.split("."):
        node = cast("Schema", cast("Schema", node["properties"])[step])
    return tuple(_leaves(path, node))


@lru_cache(maxsize=1)
def _spec_schema() -> Schema:
    """Return the schema of a Kepler's spec. Cached: computing it takes longer than everything else here."""
    return cast("Schema", cast("Schema", openapi_schema.of(Kepler)["properties"])["spec"])


def _leaves(path: str, node: Schema) -> Iterator[str]:
    below = node.get("properties")
    if not isinstance(below, dict):
        yield path
        return
    for name, inner in below.items():
        yield from _leaves(f"{path}.{name}", cast("Schema", inner))
