"""What a page shows after the last change is what the API server has, long before the page asks by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from audit.storage import edits, entries
from local.stack import Stack
from runtime.client import path
from runtime.objects import KEPLER, Manifest
from tests.audit_sample import COURSE, SampleResource, edited, reported, reports_of
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


# Something new is told each time, and an answer about resources takes longer than the time until the next question.
BUSY = """
const ask = window.fetch;
window.fetch = async (path, options) => {
  if (path.includes("/changes")) return new Response(JSON.stringify({sequence: Date.now()}));
  if (path.includes("/resources")) await new Promise((done) => setTimeout(done, 1500));
  return ask(path, options);
};
"""


def test_a_slow_answer_is_shown_while_much_happens(
    browser: Browser, growing: Growing, control_plane: Stack, namespace: str
) -> None:
    """A newer question has been asked by then; its answer comes later."""
    create(control_plane, namespace)
    with window(browser) as page:
        page.add_init_script(BUSY)
        page.goto(f"{growing.url}#/?search={namespace}/")
        expect(page.locator("main .resources .sign")).to_contain_text("NotReported", timeout=SOON)


def test_what_is_about_to_appear_is_not_called_deleted(
    browser: Browser, growing: Growing, control_plane: Stack, namespace: str
) -> None:
    """A report may be read before the resource itself: the page that waited for it says that it is not found yet."""
    sample = SampleResource(KEPLER, namespace, "kepler")
    entry = edits.verified_edit(KEPLER, edited(sample, 1, datetime.now(UTC)).object)
    assert entry
    with window(browser) as page:
        page.goto(f"{growing.url}#/resource/Kepler/{namespace}/kepler")
        header = page.locator("main header.page")
        expect(header).to_contain_text("there is no such resource, and nothing is kept of one")
        growing.store.commit([entry])
        expect(page.locator(".change")).to_have_count(1)
        expect(header).to_contain_text("there is no such resource; what was done about it is below")
        expect(header).not_to_contain_text("deleted")
        create(control_plane, namespace)
        growing.store.commit(reports_of(1))
        expect(header.locator(".state .sign")).to_contain_text("NotReported", timeout=SOON)
        control_plane.kubectl("-n", namespace, "delete", "keplers/kepler")
        growing.store.commit(reports_of(2))
        expect(header).to_contain_text("there is no such resource any more", timeout=SOON)


def test_a_drift_that_was_put_back_stands_at_the_top_of_the_page_for_an_hour(
    browser: Browser, growing: Growing, control_plane: Stack, namespace: str
) -> None:
    """With its age, which grows while one looks: in the history it stands below the reports on the edit."""
    create(control_plane, namespace)
    now = datetime.now(UTC)
    sample, edit_at = SampleResource(KEPLER, namespace, "kepler"), now - timedelta(minutes=10)
    event = edited(sample, 1, edit_at)
    read, first = edits.verified_edit(KEPLER, event.object), reported(event, COURSE[4], edit_at, sample, 1)
    assert read
    woken = first.parsed.cause.model_copy(
        update={"object": first.parsed.changes[0].object, "by": "kubectl-set", "changed": now, "sent": now}
    )
    drift = first.parsed.model_copy(update={"cause": woken, "began": now})
    growing.store.commit([read, first])
    with window(browser) as page:
        page.goto(f"{growing.url}#/resource/Kepler/{namespace}/kepler")
        expect(page.locator(".change")).to_have_count(1)
        lately = page.locator("header .lately")
        expect(lately).to_have_count(0)
        growing.store.commit([entries.report(replace(event, id="drift", type=first.type), drift)])
        expect(lately).to_contain_text(f"DaemonSet {namespace}/kepler-exporter was changed by kubectl-set")
        age = lately.locator("time").inner_text()
        expect(lately.locator("time")).not_to_have_text(age, timeout=3000)
