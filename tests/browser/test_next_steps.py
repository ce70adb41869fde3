"""What a resource's page offers to do next: what the deciding condition says, in its words, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local.stack import Stack
from runtime.client import path
from runtime.objects import DAEMON_SET, KEPLER
from tests.browser.conftest import ServedConsole
from tests.browsing import window
from tests.crowd import Sort
from tests.workbench import create_namespace, kepler

NAMESPACE = "next-steps"
UNSCRAPED = (
    "MonitoringReconciled",
    "True",
    "NotInstalled",
    "no operator: install it, then run `kubectl kepler resync`",
)
DELETE = "set `class` to one that exists and run `kubectl delete pvc -n next-steps c`, in which no models are yet"
BOTH = "set it back, or run `kubectl delete -n next-steps deployment/d pvc/c`, which deletes the models"
TRY_AGAIN = "remove what others set by the commands of `kubectl kepler explain DaemonSet/x`, or wait"
SORTS = (
    Sort(
        "claim",
        1,
        (UNSCRAPED, ("ModelServerAvailable", "False", "ClaimPending", f"no class; {DELETE}")),
        says="ModelServerAvailable",
    ),
    Sort(
        "unchangeable",
        1,
        (UNSCRAPED, ("ModelServerReconciled", "False", "ClaimUnchangeable", f"it is smaller: {BOTH}")),
        says="ModelServerReconciled",
    ),
    Sort(
        "kepler",
        1,
        (
            (
                "Available",
                "False",
                "PriorityClassMissing",
                f"none (others set `x` by kubectl in DaemonSet 'y'); {TRY_AGAIN}",
            ),
        ),
    ),
    Sort("held", 1),
)


def make(stack: Stack, sort: Sort) -> dict[str, Any]:
    """A Kepler with the status that the functions would write."""
    where = path(KEPLER, NAMESPACE, sort.name)
    body = {**kepler(sort.name), "metadata": {"name": sort.name, "namespace": NAMESPACE}}
    stack.api.apply(where, body)
    stack.api.apply(f"{where}/status", {**body, "spec": {}, "status": sort.status})
    return stack.api.get(where)


@pytest.fixture(scope="module")
def served(control_plane: Stack, console: ServedConsole) -> ServedConsole:
    """The console over these: of one the DaemonSet has fields of somebody else's, one is being deleted and held."""
    create_namespace(control_plane, NAMESPACE)
    made = {sort.name: make(control_plane, sort) for sort in SORTS}
    owner = {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "name": "kepler",
        "uid": made["kepler"]["metadata"]["uid"],
    }
    labels = {"app": "x"}
    container = {"name": "c", "image": "registry.example/c:1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "priorityClassName": "missing"}}
    control_plane.api.create(
        path(DAEMON_SET, NAMESPACE),
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "kepler-exporter", "ownerReferences": [{**owner, "controller": True}]},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
    )
    hold = json.dumps({"metadata": {"finalizers": ["example.com/hold"]}})
    control_plane.kubectl("-n", NAMESPACE, "patch", "keplers/held", "--type=merge", "-p", hold)
    control_plane.kubectl("-n", NAMESPACE, "delete", "keplers/held", "--wait=false")
    return console


@pytest.fixture
def page(browser: Browser, served: ServedConsole) -> Iterator[Page]:
    """A fresh window."""
    with window(browser) as opened:
        opened.goto(served.url)
        yield opened


def why(page: Page, served: ServedConsole, name: str) -> Locator:
    """The part of a resource's page that says why it is not ready."""
    page.goto(f"{served.url}#/resource/Kepler/{NAMESPACE}/{name}")
    expect(page.locator("main .state .sign")).to_be_visible()
    return page.locator(".why").first


@pytest.mark.parametrize(("name", "step"), [("claim", DELETE), ("unchangeable", BOTH)])
def test_a_command_that_destroys_stands_in_its_sentence(
    page: Page, served: ServedConsole, name: str, step: str
) -> None:
    """And of another condition that is open no command is offered."""
    steps = why(page, served, name).locator(".steps li")
    expect(steps).to_have_count(2)
    expect(steps.first).to_have_text(step.replace("`", ""))
    expect(steps.nth(1)).to_contain_text(f"kubectl kepler explain {name} -n {NAMESPACE}")


def test_what_others_set_is_removed_first(page: Page, served: ServedConsole) -> None:
    """The command for the field stands before what only tries again."""
    steps = why(page, served, "kepler").locator(".steps li")
    field = steps.filter(has_text="/spec/template/spec/priorityClassName")
    expect(field).to_contain_text(
        "if spec.template.spec.priorityClassName of DaemonSet kepler-exporter should not be there:"
    )
    texts = steps.all_inner_texts()
    assert TRY_AGAIN.replace("`", "") == texts[-2]


def test_what_is_being_deleted_names_its_finalizers(page: Page, served: ServedConsole) -> None:
    """No condition is missing, since nobody will write one, and nothing is reconciled again."""
    held = why(page, served, "held")
    expect(held.get_by_role("heading", name="Why it is still there")).to_be_visible()
    expect(held).to_contain_text("it is being deleted, and held by finalizer 'example.com/hold'")
    expect(held).not_to_contain_text("no report")
    expect(held).not_to_contain_text("resync")
    expect(held.locator(".steps li").first).to_contain_text("find out why the controller that set the finalizer")
