"""Who may look: the console of a cluster asks for a token, and shows what that one may read."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from local.stack import Stack
from runtime.settings import AUDIENCE
from tests.browser.conftest import ServedConsole
from tests.browsing import window

READER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reads-keplers"},
    "rules": [{"apiGroups": ["sustainable-computing.io"], "resources": ["keplers"], "verbs": ["get"]}],
}


@pytest.fixture
def page(browser: Browser, guarded: ServedConsole) -> Iterator[Page]:
    """A fresh window."""
    with window(browser) as opened:
        opened.goto(guarded.url)
        yield opened


@pytest.fixture(scope="module")
def token(control_plane: Stack) -> str:
    """Of somebody who may read Keplers in namespace `lab`, and nothing else anywhere."""
    kubectl = control_plane.kubectl
    kubectl("create", "namespace", "lab")
    kubectl("-n", "lab", "create", "serviceaccount", "looker")
    kubectl("-n", "lab", "apply", "-f", "-", stdin=json.dumps(READER))
    kubectl("-n", "lab", "create", "rolebinding", "looker", "--role=reads-keplers", "--serviceaccount=lab:looker")
    return kubectl("-n", "lab", "create", "token", "looker", f"--audience={AUDIENCE}").strip()


def enter(page: Page, token: str) -> None:
    """As one does."""
    page.get_by_label("token").fill(token)
    page.get_by_role("button", name="Show").click()


def test_without_a_token_nothing_is_shown(page: Page) -> None:
    """But the way to one; a wrong one is refused."""
    expect(page.get_by_label("token")).to_be_visible()
    assert "energy" not in page.content()
    enter(page, "made-up")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("token")).to_be_visible()


def test_one_sees_the_namespaces_that_one_may_read(page: Page, token: str, guarded: ServedConsole) -> None:
    """And nothing of another, nor how much there is of it; signed out, nothing at all."""
    enter(page, token)
    page.get_by_role("link", name="Activity").click()
    expect(page.locator(".report").first).to_contain_text("lab/kepler-lab")
    assert {text for text in page.locator(".report .name").all_text_contents() if "lab/" not in text} == set()
    page.get_by_label("namespace").fill("energy")
    page.get_by_label("namespace").press("Enter")
    expect(page.locator(".report")).to_have_count(0)
    assert "machines" not in page.content()
    counted = int(re.sub(r"\D", "", (page.locator("footer span").first.text_content() or "").partition(" report")[0]))
    assert 0 < counted < guarded.reports / 2

    page.get_by_role("button", name="sign out").click()
    expect(page.get_by_label("token")).to_be_visible()
    page.reload()
    expect(page.get_by_label("token")).to_be_visible()
