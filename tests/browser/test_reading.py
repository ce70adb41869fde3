"""Whether the console can be read: at a glance, by keyboard, in the dark, on a telephone, with ten thousand reports."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from audit.storage import edits, entries
from tests.audit_sample import COURSE, RESOURCES, deleted, edited, reported, reports_of
from tests.browser.conftest import Growing, ServedConsole
from tests.browsing import NARROW, WIDE, Scheme, overflows, window

ADDRESSES = ("#/", "#/resource/Kepler/energy/kepler", "#/activity", "#/letters", "#/doctor")
# Contrast that WCAG 2.2 asks of text (1.4.3).
LEAST = 4.5

# The contrast of each piece of text that is there to be seen with what is behind it; the least of them, and where.
CONTRAST = """() => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const rgba = (text) => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => 0.2126 * channel(color[0]) + 0.7152 * channel(color[1]) + 0.0722 * channel(color[2]);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  let least = [21, ''];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!text || element.closest(':disabled, .unseen')) continue;
    if (!element.checkVisibility({contentVisibilityAuto: true})) continue;
    const [one, other] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < least[0]) least = [ratio, element.outerHTML.slice(0, 120)];
  }
  return least;
}"""


@pytest.fixture
def page(browser: Browser, console: ServedConsole) -> Iterator[Page]:
    """A fresh window on all resources, that listens to keys: its last line is there."""
    with window(browser) as opened:
        opened.goto(console.url)
        expect(opened.locator("footer")).to_contain_text("kept")
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_fits_its_window_and_can_be_read(
    browser: Browser, console: ServedConsole, size: ViewportSize, scheme: Scheme
) -> None:
    """Nothing is scrolled sideways, and no text is too faint, in either theme."""
    with window(browser, size, scheme) as page:
        for address in (*ADDRESSES, trace_of(page, console)):
            page.goto(console.url + address)
            expect(page.locator("main h1")).to_be_visible()
            expect(page.locator("[aria-busy]")).to_have_count(0)
            assert not overflows(page), address
            ratio, where = page.evaluate(CONTRAST)
            assert ratio >= LEAST, (address, where)


def trace_of(page: Page, console: ServedConsole) -> str:
    """The address of some trace, as one comes to it."""
    page.goto(console.url + ADDRESSES[1])
    return page.locator(".change").get_by_role("link", name="trace").first.get_attribute("href") or ""


def test_the_theme_that_was_chosen_stays(page: Page) -> None:
    """Over a load, and until another one is chosen."""
    button = page.get_by_role("button", name="theme")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    button.click()
    button.click()
    expect(button).to_contain_text("dark")
    page.reload()
    expect(page.get_by_role("button", name="theme")).to_contain_text("dark")
    assert page.evaluate(ground) != light


def test_ten_thousand_reports_are_scrolled_through_page_by_page(page: Page, console: ServedConsole) -> None:
    """Newest first; the next page comes when the end comes into view, none twice."""
    page.goto(console.url + "#/activity")
    reports = page.locator(".report")
    expect(reports).to_have_count(100)
    for wanted in (200, 300):
        page.mouse.wheel(0, 100_000)
        expect(reports).to_have_count(wanted)
    expect(page.locator("footer")).to_contain_text(f"{console.reports:,} reports kept")


def test_reports_are_narrowed_down_and_the_address_says_to_which(page: Page, console: ServedConsole) -> None:
    """By function and outcome; the same address shows the same again."""
    page.goto(console.url + "#/activity")
    page.get_by_label("function").select_option("estimator")
    page.get_by_label("outcome").select_option("rejected")
    expect(page).to_have_url(console.url + "#/activity?function=estimator&outcome=rejected")
    expect(page.locator(".report .sign").first).to_contain_text("rejected")
    page.reload()
    expect(page.get_by_label("outcome")).to_have_value("rejected")
    expect(page.locator(".report")).not_to_have_count(0)
    assert {text.strip() for text in page.locator(".report .function").all_text_contents()} == {"estimator"}
    page.get_by_role("link", name="clear").click()
    expect(page.locator(".report").first).not_to_contain_text("rejected")


def test_all_of_it_goes_by_keyboard(page: Page, console: ServedConsole) -> None:
    """To the activity, down three rows, one opened and closed; to a resource by its name; the keys themselves."""
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator(".report")).to_have_count(100)
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".report").nth(2).locator(".full")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".full")).to_have_count(0)

    page.keyboard.press("/")
    page.keyboard.type("kepler-lab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(console.url + "#/activity?name=kepler-lab")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next row")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_history_goes_on_and_says_what_was_changed_by_whom(page: Page, console: ServedConsole) -> None:
    """Of a resource that is gone as well."""
    page.goto(console.url + ADDRESSES[1])
    changes = page.locator(".change")
    expect(changes).to_have_count(20)
    expect(changes.first.locator(".who")).to_contain_text("edited by")
    expect(changes.first.locator(".diff").first).to_contain_text("collector.port")
    page.mouse.wheel(0, 100_000)
    expect(changes).to_have_count(40)
    expect(page.locator("main header")).to_contain_text("there is no such resource; what was done about it is below")


def test_what_never_existed_is_not_called_deleted(page: Page, console: ServedConsole) -> None:
    """Nothing is kept of it."""
    page.goto(console.url + "#/resource/Kepler/nowhere/never")
    header = page.locator("main header.page")
    expect(header).to_contain_text("there is no such resource, and nothing is kept of one")
    expect(header).not_to_contain_text("deleted")


def test_the_first_report_of_an_empty_store_is_shown_at_once(browser: Browser, growing: Growing) -> None:
    """Long before the console looks again by itself, which it does every ten seconds."""
    with window(browser) as page:
        page.goto(growing.url + "#/activity")
        expect(page.locator(".empty")).to_contain_text("No report matches")
        expect(page.locator("footer")).to_contain_text("0 reports kept")
        page.wait_for_timeout(1000)
        growing.store.commit(reports_of(1))
        expect(page.locator(".report")).to_have_count(1, timeout=3000)


def test_an_edit_that_only_an_event_told_is_marked(browser: Browser, growing: Growing) -> None:
    """And of an end it is said that nobody knows who caused it."""
    entry = edits.edit_of_event(deleted(RESOURCES[0], 1, datetime.now(UTC)))
    read = edits.verified_edit(RESOURCES[0].kind, edited(RESOURCES[0], 1, datetime.now(UTC)).object)
    assert entry
    assert read
    growing.store.commit([read, entry])
    with window(browser) as page:
        page.goto(growing.url + ADDRESSES[1])
        who = page.locator(".change .who")
        expect(who).to_have_count(2)
        end, before = who.all()
        expect(end).to_have_text("deleted (Kubernetes does not record by whom), according to an event")
        expect(before).to_have_text("as first seen by argocd-controller")


def test_a_drift_is_told_by_who_changed_what_and_what_was_put_back(browser: Browser, growing: Growing) -> None:
    """In the history and in the trace, not by the edit of hours before."""
    at = datetime.now(UTC) - timedelta(hours=3)
    event = edited(RESOURCES[0], 1, at)
    read, first = edits.verified_edit(RESOURCES[0].kind, event.object), reported(event, COURSE[4], at, RESOURCES[0], 1)
    assert read
    wrote = first.parsed.changes[0]
    woken = first.parsed.cause.model_copy(
        update={"object": wrote.object, "by": "kubectl-patch", "changed": at, "sent": at + timedelta(hours=2)}
    )
    report = first.parsed.model_copy(update={"cause": woken, "began": at + timedelta(hours=2)})
    growing.store.commit([read, first, entries.report(replace(event, id="drift", type=first.type), report)])
    expected = "DaemonSet energy/kepler-exporter was changed by kubectl-patch"
    with window(browser) as page:
        page.goto(growing.url + ADDRESSES[1])
        caused = page.locator(".change .caused")
        expect(caused).to_have_count(1)
        expect(caused).to_contain_text(expected)
        page.locator(".change").get_by_role("link", name="trace").first.click()
        expect(page.locator(".episode")).to_have_count(2)
        expect(page.locator(".episode").nth(0).locator(".caused")).to_have_count(0)
        expect(page.locator(".episode").nth(1).locator(".caused")).to_contain_text(expected)
        expect(page.locator(".caused")).to_contain_text("put back: the whole object")


def test_what_changed_nothing_is_folded(browser: Browser, growing: Growing) -> None:
    """Under the names of the functions; what a function waits for is shown only while that is its last word."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    event = edited(RESOURCES[0], 1, at)
    read = edits.verified_edit(RESOURCES[0].kind, event.object)
    wrote = reported(event, COURSE[4], at, RESOURCES[0], 1)
    quiet = [reported(event, replace(work, writes=None), at, RESOURCES[0], 1) for work in COURSE[:2]]
    waits = [reported(event, replace(COURSE[2], writes=None), at, RESOURCES[0], 1, outcome="waiting")]
    then = reported(event, replace(COURSE[2], writes=None, after=90), at, RESOURCES[0], 1)
    done = entries.report(replace(event, id="later", type=then.type), then.parsed)
    refuses = reported(event, replace(COURSE[5], writes=None), at, RESOURCES[0], 1, outcome="rejected")
    assert read
    growing.store.commit([read, wrote, *quiet, *waits, done, refuses])
    with window(browser) as page:
        page.goto(growing.url + ADDRESSES[1])
        folded = page.locator(".change .unchanged")
        expect(folded.locator("> summary")).to_have_text(
            "4 reports that changed nothing: collected metric, exported power, estimator"
        )
        expect(folded.locator(".report").first).to_be_hidden()
        shown = page.locator(".change .report:visible .function")
        expect(shown).to_have_text(["monitoring", "collector"])
        folded.locator("> summary").click()
        expect(shown).to_have_count(6)


def test_what_is_switched_off_is_reported_with_a_neutral_sign(browser: Browser, growing: Growing) -> None:
    """And a warning as one."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    event = edited(RESOURCES[0], 1, at)
    for work, reason in ((COURSE[2], "Disabled"), (COURSE[5], "NotInstalled")):
        entry = reported(event, work, at, RESOURCES[0], 1)
        (reported_condition,) = entry.parsed.conditions
        changed = entry.parsed.model_copy(
            update={"conditions": (reported_condition.model_copy(update={"reason": reason}),)}
        )
        growing.store.commit([entries.report(replace(event, id=entry.id, type=entry.type), changed)])
    with window(browser) as page:
        page.goto(growing.url + "#/activity")
        expect(page.locator(".report .sign.none")).to_contain_text("Disabled")
        expect(page.locator(".report .sign.warn")).to_contain_text("NotInstalled")


def test_an_address_that_is_no_text_leaves_the_page_as_it_is(page: Page, console: ServedConsole) -> None:
    """A lone percent sign is shown as it is."""
    page.goto(console.url + "#/%")
    expect(page.locator("main")).to_contain_text("There is no page “%”")
    page.goto(console.url + "#/resource/Kepler/%E0/kepler")
    expect(page.locator("main h1")).to_have_text("%E0/kepler")


def test_an_address_that_changes_while_the_page_is_built_is_shown(browser: Browser, console: ServedConsole) -> None:
    """After it was drawn first, and before it listens."""
    with window(browser) as page:
        page.add_init_script("addEventListener('DOMContentLoaded', () => (location.hash = '#/activity'))")
        page.goto(console.url)
        expect(page).to_have_url(console.url + "#/activity")
        expect(page.locator("main h1")).to_have_text("Activity")


def test_nothing_secret_is_shown(page: Page, console: ServedConsole) -> None:
    """The values of environment variables of the sample are in no page; that one was changed is told."""
    page.goto(console.url + "#/resource/Kepler/lab/kepler-lab")
    expect(page.get_by_text("Only values that are hidden here are others than before.").first).to_be_visible()
    assert "secret-" not in page.content()


def test_a_page_that_is_not_there_says_where_to_go(page: Page, console: ServedConsole) -> None:
    """And so does a trace that nothing is kept of."""
    page.goto(console.url + "#/nowhere")
    expect(page.locator("main")).to_contain_text("There is no page “nowhere”")
    page.goto(console.url + "#/trace/" + "0" * 31 + "1")
    expect(page.get_by_role("alert")).to_be_visible()
