"""What is generated from the code is checked in, and in step with it."""

from pathlib import Path
from typing import Any

import pytest

from crds.crd_files import crd_documents as crds
from functions.function_catalogue import FUNCTIONS
from installation import contents, user_roles
from installation.generate import BASE, generated_files
from local.layout import ROOT
from operands import children, namespaces
from runtime.adoption import MANAGED_BY


@pytest.mark.parametrize("path", sorted(generated_files()), ids=str)
def test_config_is_in_step_with_the_declarations(path: Path) -> None:
    """`make generate` would change nothing."""
    assert (ROOT / path).is_file(), f"{path} is missing: run `make generate` and commit the result"
    assert (ROOT / path).read_text() == generated_files()[path], "run `make generate` and commit the result"


def test_config_has_no_file_that_is_not_generated() -> None:
    """A function that is gone leaves nothing behind."""
    there = {path.relative_to(ROOT) for path in (ROOT / BASE).iterdir()}
    assert there == {path for path in generated_files() if path.is_relative_to(BASE)}


def objects(kind: str) -> list[dict[str, Any]]:
    """All generated objects of a kind."""
    return [entry for manifests in contents.base().values() for entry in manifests if entry["kind"] == kind]


def test_the_source_watches_what_wakes_and_nothing_else() -> None:
    """Each kind once; ours unfiltered, children by our label, namespaces where they allow privileged pods."""
    watched = {
        resource["kind"]: resource.get("selector") for resource in objects("ApiServerSource")[0]["spec"]["resources"]
    }
    assert set(watched) == {wake.kind.name for function in FUNCTIONS for wake in function.wakes}
    assert watched["Kepler"] is None
    assert watched["ConfigMap"] == {"matchLabels": MANAGED_BY}
    assert watched["Namespace"] == {"matchLabels": namespaces.LABELS}


def test_every_trigger_says_how_it_delivers() -> None:
    """A Trigger without a delivery would inherit the Broker's."""
    for trigger in objects("Trigger"):
        delivery = trigger["spec"]["delivery"]
        assert {"retry", "backoffPolicy", "backoffDelay", "timeout", "deadLetterSink"} <= set(delivery)


def test_no_trigger_waits_for_the_address_of_a_service() -> None:
    """Eventing looks a reference up again after up to 1,000 s where the Service was not Ready at the first look."""
    for trigger in objects("Trigger"):
        assert set(trigger["spec"]["subscriber"]) == {"uri"}
        assert set(trigger["spec"]["delivery"]["deadLetterSink"]) == {"uri"}


def test_triggers_send_to_services_that_are_installed() -> None:
    services = {
        f"http://{manifest['metadata']['name']}.{manifest['metadata']['namespace']}.svc"
        for manifest in objects("Service")
    }
    triggers = [manifest["spec"] for manifest in objects("Trigger")]
    assert {trigger["subscriber"]["uri"] for trigger in triggers} <= services
    assert {trigger["delivery"]["deadLetterSink"]["uri"] for trigger in triggers} <= services


def test_no_field_of_a_service_is_written_by_a_sink_binding() -> None:
    """`containers` is one value to the API server: who writes `K_SINK` into it owns the image, too."""
    assert not objects("SinkBinding")


def test_no_process_is_ended_because_its_node_is_slow() -> None:
    for service in objects("Service"):
        [container] = service["spec"]["template"]["spec"]["containers"]
        assert not {"livenessProbe", "startupProbe"} & set(container)


def test_no_role_has_a_wildcard_or_may_create_roles() -> None:
    """Least privilege: exact verbs; cluster-scoped RBAC is shipped, and only patched."""
    for role in objects("ClusterRole"):
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            if rule["apiGroups"] == ["rbac.authorization.k8s.io"]:
                assert rule["resourceNames"] == [children.EXPORTER]
                assert not {"create", "delete", "escalate"} & set(rule["verbs"])


def test_what_a_function_may_write_is_named() -> None:
    """An apply creates by name, so none may `create`, `patch` or `delete` any of a kind.

    But for statuses, Events, and reviews, which are questions: nothing of them is kept.
    """
    unnamed = ({"events"}, {"tokenreviews"}, {"subjectaccessreviews"})
    users = {role["metadata"]["name"] for role in user_roles.roles()}
    for role in (manifest for manifest in objects("ClusterRole") if manifest["metadata"]["name"] not in users):
        for rule in role["rules"]:
            beside = rule["resources"][0].endswith("/status") or {*rule["resources"]} in unnamed
            if {"create", "patch", "delete"} & set(rule["verbs"]) and not beside:
                assert rule.get("resourceNames"), (role["metadata"]["name"], rule)


def test_every_function_may_read_and_report_on_its_parent() -> None:
    """Two rules that each needs: the parent, and its status."""
    roles = {manifest["metadata"]["name"]: manifest["rules"] for manifest in objects("ClusterRole")}
    for function in FUNCTIONS:
        granted = {
            (resource, verb)
            for rule in roles[function.manager]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        assert {(function.parent.plural, "get"), (f"{function.parent.plural}/status", "patch")} <= granted


def test_the_crds_are_in_step_with_the_models() -> None:
    """`make generate` would change nothing there either."""
    for path, content in crds().items():
        assert (ROOT / path).is_file(), f"{path} is missing: run `make generate` and commit the result"
        assert (ROOT / path).read_text() == content, "run `make generate` and commit the result"
