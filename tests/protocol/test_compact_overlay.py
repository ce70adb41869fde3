"""`config/overlays/compact`: one Service, one Trigger and one ServiceAccount for all functions that reconcile."""

import json
from pathlib import Path

import pytest

from functions import function_catalogue
from installation import compact
from local.stack import Stack
from runtime.settings import NAMESPACE
from tests.protocol.test_overlays import COMPONENTS, by_place, combined, environment, of, render, unordered


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_overlay_is_combined_with_one_service_for_all_functions(
    control_plane: Stack, tmp_path: Path, name: str
) -> None:
    """Last of the components, `compact` changes what the other one adds; `doctor` expects just that."""
    with_other = combined(control_plane, tmp_path, (name, "compact"))
    alone = combined(control_plane, tmp_path, (name,))
    expected = by_place(compact.compacted([json.loads(text) for text in alone.values()]))

    assert {place: text for place, text in with_other.items() if place not in expected} == {}
    assert {
        place for place, text in expected.items() if unordered(json.loads(text)) != json.loads(with_other[place])
    } == set()


def test_one_service_has_the_rights_and_wakes_of_all_functions(control_plane: Stack) -> None:
    """Every Role of a function is bound to the one account, every policy is about it, the Trigger has every wake."""
    objects = render(control_plane, "overlays/compact")
    services = of(objects, "Service", "serving.knative.dev")
    assert {*services} == {"kepler-compact", "kepler-audit", "kepler-dead-letter", "kepler-sweep"}
    assert {"name": "FUNCTION", "value": "compact"} in environment(services["kepler-compact"])
    bound = {
        binding["roleRef"]["name"]: [subject["name"] for subject in binding.get("subjects") or ()]
        for binding in of(objects, "ClusterRoleBinding").values()
    }
    assert all(bound[function.manager] == ["kepler-compact"] for function in function_catalogue.FUNCTIONS)
    base = {shown["metadata"]["name"]: shown for shown in render(control_plane, "base") if shown["kind"] == "Trigger"}
    [trigger] = [entry for name, entry in of(objects, "Trigger").items() if name == "kepler-compact"]
    shown = {json.dumps(wake, sort_keys=True) for wake in trigger["spec"]["filters"][1]["any"]}
    assert shown == {
        json.dumps(wake, sort_keys=True)
        for function in function_catalogue.FUNCTIONS
        for wake in base[function.manager]["spec"]["filters"][1]["any"]
    }
    policies = of(objects, "ValidatingAdmissionPolicy")
    accounts = {
        condition["expression"]
        for policy in policies.values()
        for condition in policy["spec"].get("matchConditions") or ()
        if condition["name"] == "account"
    }
    assert accounts == {f"request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:kepler-compact'"}
