"""What a page shows after the last change is what the API server has, long before the page asks by itself."""

import pytest
from playwright.sync_api import Browser, expect

from local.stack import Stack
from runtime.client import path
from runtime.objects import KEPLER, Manifest
from tests.audit_sample import reports_of
from tests.browser.conftest import Growing
from tests.browsing import window
from tests.crowd import Sort
from tests.workbench import kepler

# Milliseconds: more than the cache lasts, less than the ten seconds after which a page asks by itself.
SOON = 4500
WELL = Sort("well", 1).status


def create(stack: Stack, namespace: str) -> Manifest:
    """Create a Kepler that no function has reported on; return it without its spec."""
    body = {**kepler(), "metadata": {"name": "kepler", "namespace": namespace}}
    stack.api.apply(path(KEPLER, namespace, "kepler"), body)
    return {key: body[key] for key in ("apiVersion", "kind", "metadata")}


@pytest.mark.parametrize("page_of", ["list", "resource"])
def test_a_state_written_while_the_previous_one_is_cached_is_shown_soon(
    browser: Browser, growing: Growing, control_plane: Stack, namespace: str, page_of: str
) -> None:
    """The last report comes while the read before it is still good for everybody: the page asks once more."""
    about = create(control_plane, namespace)
    address = {"list": f"#/?search={namespace}/", "resource": f"#/resource/Kepler/{namespace}/kepler"}[page_of]
    with window(browser) as page:
        page.goto(growing.url + address)
        sign = page.locator("main .resources .sign, main .state .sign")
        expect(sign).to_contain_text("NotReported")
        expect(page.locator("footer")).to_contain_text("kept")
        page.wait_for_timeout(1500)
        assert page.request.get(f"{growing.url}api/v1/resources").ok
        control_plane.api.apply(f"{path(KEPLER, namespace, 'kepler')}/status", {**about, "status": WELL})
        growing.store.commit(reports_of(1))
        expect(sign).to_have_class("sign good", timeout=SOON)
