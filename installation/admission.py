"""ValidatingAdmissionPolicies: what the API server refuses of a user's Kepler, whoever reconciles it.

Generated from `installation.privileges` and the schema. Fields that need a right are compared with what they were, so
that somebody without it may still change the rest of an administrator's Kepler.
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

# What a field says that says nothing.
BLANK = "[dyn(null), dyn(''), dyn([]), dyn({})]"
GRANTED = (
    f"authorizer.group('{GROUP}').resource('{RESOURCE}').subresource('{SUBRESOURCE}')"
    f".namespace(request.namespace).check('{VERB}').allowed()"
)


@dataclass(frozen=True)
class AdmissionPolicy:
    """A policy that fails closed.

    `matched` are rules that match requests, and `conditions` narrow that down. No policy reads a parameter: an API
    server finds none for a moment, or not before it is started again (k8s.io/apiserver v0.35.4: policy_source.go stops
    the informer of a `paramKind` with the last policy that has it, and never starts it again), and then refuses what
    `matched` matches, whatever `conditions` say.
    """

    name: str
    matched: list[Object]
    validations: list[Object]
    variables: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)

    def objects(self) -> list[Object]:
        """The policy, and the binding that puts it into force everywhere."""
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
    """A rule that matches requests about these resources."""
    return {"apiGroups": [group], "apiVersions": ["*"], "operations": [*operations], "resources": resources}


def privileged_fields() -> list[Object]:
    """The policy that asks, for each guarded field, whether the user may `use` what is privileged."""
    variables = {"spec": spec_of("object"), "before": spec_of("oldObject"), "blank": BLANK, "granted": GRANTED}
    variables |= {_name(leaf): _values(leaf) for guard in GUARDED for leaf in leaves(guard.path)}
    validations = [_validation(guard) for guard in GUARDED]
    return AdmissionPolicy(FIELDS_POLICY, [matching(GROUP, [RESOURCE])], validations, variables).objects()


def spec_of(of: str) -> str:
    """The spec of an object, empty where there is no object or no spec."""
    return f"{of} == null || dyn({of}).?spec.orValue(null) == null ? dyn({{}}) : dyn({of}.spec)"


def _name(leaf: str) -> str:
    """What a field's variable is called."""
    return re.sub("[.-]", "_", leaf)


def _values(leaf: str) -> str:
    """What a field says now and what it said before, null where it or what holds it is absent or null."""
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
    """Whether a field is blank, says what it said before, or what anybody may say."""
    free = "".join(f" || {values}[0] == '{value}'" for value in guard.free)
    return f"({values}[0] in variables.blank || {values}[0] == {values}[1]{free})"


def _message(guard: Guard) -> str:
    """What is missing, and what an administrator runs, as a CEL expression."""
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
    """Text as CEL writes it, which is as JSON does."""
    return json.dumps(text, ensure_ascii=False)


def leaves(path: str) -> tuple[str, ...]:
    """The fields below `spec` that have no fields of ours in them, of a field or block."""
    node = _spec_schema()
    for step in path.split("."):
        node = cast("Schema", cast("Schema", node["properties"])[step])
    return tuple(_leaves(path, node))


@lru_cache(maxsize=1)
def _spec_schema() -> Schema:
    """Return the schema of a Kepler's spec, which takes longer to make than everything else here."""
    return cast("Schema", cast("Schema", openapi_schema.of(Kepler)["properties"])["spec"])


def _leaves(path: str, node: Schema) -> Iterator[str]:
    below = node.get("properties")
    if not isinstance(below, dict):
        yield path
        return
    for name, inner in below.items():
        yield from _leaves(f"{path}.{name}", cast("Schema", inner))
