"""Three hundred resources at a glance, on a desk and on a telephone: counts, search, lines, and why."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from audit.answers.checks import MAX_NAMED
from local.stack import Stack
from reasons import troubleshooting
from runtime.client import path
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER
from tests.browser.conftest import ServedConsole
from tests.browser.test_reading import CONTRAST, LEAST
from tests.browsing import NARROW, WIDE, Scheme, overflows, window
from tests.crowd import CROWD, LACKS, MISSING, NORTH, PARTIAL, PODS, SOUTH, TOTAL, Sort, gather

# Other tests have resources of their own on the same API server.
HERE = "#/?search=glance-"
HALF = TOTAL // 2
FULL_HD: ViewportSize = {"width": 1920, "height": 1080}
BETWEEN: ViewportSize = {"width": 800, "height": 900}
# The name of resources of three kinds, and what the Kepler among them says.
LONG = "kepler-exporter-of-the-training-cluster"
CAUSE, STEP = 'the model server has no ready pod: storageclass "nowhere" not found', "create it, or name another class"
# What is cut in the list of resources, but for messages, which may be cut after their last line.
CUT = """() => [...document.querySelectorAll('.resources *')].filter((one) =>
  getComputedStyle(one).overflow === 'hidden' && !one.matches('.unseen') &&
  (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 2) &&
  !one.matches('.message')).map((one) => one.textContent)"""


@pytest.fixture(scope="module")
def crowd(control_plane: Stack, console: ServedConsole) -> ServedConsole:
    """The console over a crowd of Keplers."""
    gather(control_plane)
    return console


@pytest.fixture
def page(browser: Browser, crowd: ServedConsole) -> Iterator[Page]:
    """A fresh window on the crowd, that listens to keys."""
    with window(browser) as opened:
        opened.goto(crowd.url + HERE)
        expect(opened.locator("footer")).to_contain_text("kept")
        yield opened


def chip(page: Page, text: str) -> str:
    """The number on one of the counts."""
    return page.locator(".counts a").filter(has_text=text).locator(".number").inner_text()


def resource(page: Page, crowd: ServedConsole, name: str, namespace: str = NORTH) -> None:
    """Go to a resource's page."""
    page.goto(f"{crowd.url}#/resource/Kepler/{namespace}/{name}")
    expect(page.locator("main .state .sign")).to_be_visible()


def test_resources_are_counted_by_state_and_reason(page: Page) -> None:
    """All of them, not only those on the page; what is wrong comes first."""
    expect(page.get_by_role("status").filter(has_text="found")).to_have_text(f"{TOTAL} resources found")
    states = {"not ready": 60, "waiting": 30, "no report": 1, "warning": 9, "ready": 200}
    shown = page.locator(".counts ul").first.locator("a").all_inner_texts()
    assert [int(re.sub(r"\D", "", text)) for text in shown] == list(states.values())
    assert [chip(page, reason) for reason in ("PartiallyAvailable", "SourceRequired", "NotInstalled")] == [
        "40",
        "20",
        "9",
    ]
    signs = page.locator(".resources .sign").all_inner_texts()
    assert [sign.split()[-1] for sign in signs[:60]].count("PartiallyAvailable") == 40


def test_a_count_is_a_filter_and_the_address_says_so(page: Page) -> None:
    """A second click takes it back; the search stays as it is."""
    page.locator(".counts a", has_text="waiting").click()
    expect(page.locator(".resources [data-row]")).to_have_count(30)
    assert page.url.endswith("#/?state=waiting&search=glance-")
    expect(page.get_by_role("status").filter(has_text="found")).to_have_text(f"30 resources of {TOTAL} found")
    page.reload()
    expect(page.locator(".resources [data-row]")).to_have_count(30)

    page.locator(".counts a", has_text="waiting").click()
    page.locator(".counts a", has_text="SourceRequired").click()
    expect(page.locator(".resources [data-row]")).to_have_count(20)
    assert page.url.endswith("#/?state=failed&reason=SourceRequired&search=glance-")
    page.get_by_role("link", name="clear").click()
    expect(page).to_have_url(re.compile(r"#/$"))


def test_slash_searches_by_namespace_and_name_from_any_page(page: Page, crowd: ServedConsole) -> None:
    """While one types; Enter goes to the first that is found. One step back is where one came from."""
    page.goto(crowd.url + "#/letters")
    expect(page.locator("main h1")).to_have_text("Dead letters")
    page.keyboard.press("/")
    expect(page.get_by_label("namespace or name")).to_be_focused()
    page.keyboard.type(f"well {SOUTH[-5:]}", delay=20)
    expect(page.get_by_role("status").filter(has_text="found")).to_have_text("100 resources found")
    expect(page.get_by_label("namespace or name")).to_be_focused()
    page.get_by_label("namespace or name").fill("well-0199")
    page.keyboard.press("Enter")
    expect(page.locator(".resources [data-row]")).to_have_count(1)
    expect(page.locator(".resources a.name")).to_have_text(f"{SOUTH}/well-0199")
    expect(page.locator(".resources a.name")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_have_text(f"{SOUTH}/well-0199")
    page.go_back()
    expect(page.get_by_label("namespace or name")).to_have_value("well-0199")
    page.go_back()
    expect(page.locator("main h1")).to_have_text("Dead letters")


def test_nothing_found_says_so(page: Page, crowd: ServedConsole) -> None:
    """And how to come back."""
    page.goto(crowd.url + "#/?search=no-such-thing")
    expect(page.locator("main .empty")).to_contain_text("No resource matches")
    page.get_by_role("link", name="All resources").click()
    expect(page.locator(".resources [data-row]").first).to_be_visible()


@pytest.mark.parametrize(("size", "most"), [(WIDE, 58), (NARROW, 132)], ids=["wide", "narrow"])
def test_a_resource_is_two_lines_at_most_however_long_its_message(
    browser: Browser, crowd: ServedConsole, size: ViewportSize, most: int
) -> None:
    """On a telephone why has three, below its name and how it stands. All of the message is in the title."""
    with window(browser, size) as page:
        page.goto(crowd.url + HERE)
        rows = page.locator(".resources [data-row]")
        expect(rows).to_have_count(100)
        heights = rows.evaluate_all("(rows) => rows.map((row) => row.getBoundingClientRect().height)")
        assert max(heights) <= most
        expect(rows.first.locator(".message")).to_have_attribute("title", PARTIAL)
        assert rows.first.locator("a.name").evaluate("(name) => name.scrollWidth <= name.parentElement.clientWidth")


def namesakes(stack: Stack, namespace: str) -> None:
    """Create resources of three kinds with one long name; the Kepler among them says why it is not ready."""
    for kind in (KEPLER, COLLECTED_METRIC, EXPORTED_POWER):
        about = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": LONG, "namespace": namespace}}
        stack.api.apply(path(kind, namespace, LONG), {**about, "spec": {}})
        if kind is KEPLER:
            says = (("ModelServerReconciled", "False", "NotWorkingInThisRelease", f"{CAUSE}; {STEP}"),)
            stack.api.apply(f"{path(kind, namespace, LONG)}/status", {**about, "status": Sort(LONG, 1, says).status})


def test_nothing_of_a_resource_is_cut_but_a_long_message(
    browser: Browser, console: ServedConsole, control_plane: Stack, namespace: str
) -> None:
    """Name, kind and reason are whole; a message begins with the cause and leaves what to do to the resource's page."""
    namesakes(control_plane, namespace)
    for size in (WIDE, FULL_HD, BETWEEN, NARROW):
        with window(browser, size) as page:
            page.goto(f"{console.url}#/?search={namespace}/{LONG}")
            expect(page.locator(".resources [data-row]")).to_have_count(3)
            kinds = page.locator(".resources .kind")
            assert kinds.all_inner_texts() == ["collected metric", "exported power"]
            expect(kinds.first).to_have_attribute("title", "KeplerCollectedMetric")
            message = page.locator(".resources .message").first
            expect(message).to_have_text(CAUSE)
            expect(message).to_have_attribute("title", f"{CAUSE}; {STEP}")
            assert page.evaluate(CUT) == [], size
            assert not overflows(page), size


def test_three_hundred_resources_come_a_page_at_a_time(page: Page) -> None:
    """When the end comes into view; each once."""
    rows = page.locator(".resources [data-row]")
    for wanted in (100, 200, 300):
        expect(rows).to_have_count(wanted)
        page.mouse.wheel(0, 100_000)
    names = page.locator(".resources a.name").all_inner_texts()
    assert len({*names}) == TOTAL
    expect(page.locator(".more")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_state_can_be_read(browser: Browser, crowd: ServedConsole, size: ViewportSize, scheme: Scheme) -> None:
    """In the list, chosen or not, and on the page of one of each; nothing is scrolled sideways."""
    pages = [f"#/resource/Kepler/{NORTH}/{kind.name}-0000" for kind in CROWD]
    with window(browser, size, scheme) as page:
        for address in (HERE, f"{HERE}&state=failed&reason=SourceRequired", "#/?search=no-such-thing", *pages):
            page.goto(crowd.url + address)
            expect(page.locator("main h1")).to_be_visible()
            expect(page.locator("[aria-busy]")).to_have_count(0)
            assert not overflows(page), address
            ratio, where = page.evaluate(CONTRAST)
            assert ratio >= LEAST, (address, where)


def test_whatever_is_not_ready_says_why_and_what_next(page: Page, crowd: ServedConsole) -> None:
    """`Available` as well; what to do is what its message says."""
    resource(page, crowd, "partial-0000")
    why = page.get_by_role("region", name="Why it is not ready")
    expect(why.locator("li").first).to_contain_text("Available")
    expect(why.locator("li").first).to_contain_text(PARTIAL.replace("`", ""))
    explained = why.locator("li").first.locator("details")
    expect(explained.locator("p").first).to_be_hidden()
    explained.get_by_text("what PartiallyAvailable means").click()
    entry = troubleshooting.BY_REASON["PartiallyAvailable"]
    expect(explained.locator("p")).to_have_text(
        [entry.means.replace("`", ""), f"What to do: {entry.do.replace('`', '')}"], use_inner_text=True
    )
    steps = why.locator(".steps code").all_inner_texts()
    assert steps == [PODS, f"kubectl kepler explain partial-0000 -n {NORTH}"]

    resource(page, crowd, "refused-0000")
    expect(why.locator("li strong")).to_have_text(["EstimatorReconciled", "Available"])
    resource(page, crowd, "waiting-0000")
    expect(page.get_by_role("region", name="Why it waits")).to_contain_text(MISSING.replace("`", ""))
    resource(page, crowd, "silent-0000")
    why = page.get_by_role("region", name="Why it is not ready yet")
    expect(why).to_contain_text("no function has reported on it yet")
    expect(why.locator(".steps")).to_contain_text(f"kubectl kepler resync silent-0000 -n {NORTH} --wait")


def test_what_is_ready_has_no_reason_but_a_warning(page: Page, crowd: ServedConsole) -> None:
    """Where nothing scrapes the exporters, it says so."""
    resource(page, crowd, "well-0000")
    expect(page.locator(".why")).to_have_count(0)
    resource(page, crowd, "unscraped-0000")
    why = page.get_by_role("region", name="Ready, but")
    expect(why).to_contain_text(LACKS)
    expect(why.locator(".sign.warn")).to_contain_text("NotInstalled")
    expect(page.locator(".state .sign.warn")).to_contain_text("Ready, NotInstalled")


def test_what_is_switched_off_has_a_neutral_sign(page: Page, crowd: ServedConsole) -> None:
    """Neither good nor bad."""
    resource(page, crowd, "well-0000")
    page.locator(".conditions summary").click()
    off = page.get_by_role("row", name="EstimatorReconciled").locator(".sign")
    expect(off).to_have_class("sign none")
    expect(off).to_contain_text("Disabled")
    expect(page.get_by_role("row", name="MonitoringReconciled").locator(".sign")).to_have_class("sign good")


def test_the_focus_moves_with_the_page(page: Page, crowd: ServedConsole) -> None:
    """To its title, forth and back; a filter is no other page, and the first one is read from its beginning."""
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.locator(".counts a", has_text="waiting").click()
    expect(page.locator(".resources [data-row]")).to_have_count(30)
    expect(page.locator("main h1")).not_to_be_focused()
    page.locator("a.name").first.click()
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(f"{NORTH}/waiting-0000")
    expect(title).to_be_focused()
    page.keyboard.press("Backspace")
    expect(title).to_have_text("Resources")
    expect(title).to_be_focused()
    page.goto(crowd.url + "#/resource/Kepler/energy/kepler")
    page.locator(".change").get_by_role("link", name="trace").first.click()
    expect(title).to_contain_text("Trace of generation")
    expect(title).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("header.page a, .line").first).to_be_visible()
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_what_is_printed_is_whole_and_black_on_white(browser: Browser, crowd: ServedConsole) -> None:
    """Also by night: without what one would press, with every message, and nothing cut at the side."""
    with window(browser, WIDE, "dark") as page:
        page.goto(crowd.url + HERE)
        message = page.locator(".resources .message").first
        expect(message).to_be_visible()
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": 700, "height": 990})
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        for gone in (page.get_by_role("navigation", name="pages"), page.locator(".search"), page.locator(".more")):
            expect(gone).to_be_hidden()
        assert message.evaluate("(one) => one.scrollWidth <= one.clientWidth")
        expect(page.locator(".resources thead")).to_be_visible()
        assert not overflows(page)
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= LEAST, where
        resource(page, crowd, "partial-0000")
        expect(page.get_by_role("row", name="MonitoringReconciled")).to_be_visible()


def test_the_page_for_doctor_says_what_it_found_and_who_looks_at_the_rest(page: Page) -> None:
    """What the console can check itself, by the words of the command; and the command, with the reason."""
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text("Doctor")
    expect(page.get_by_role("row", name="resources").first).to_contain_text("is not Ready")
    named = page.get_by_role("row", name=re.compile(r"Kepler \S+ is not Ready"))
    expect(named).to_have_count(MAX_NAMED)
    expect(page.get_by_role("row", name="more Keplers are not Ready")).to_contain_text("kubectl kepler status -A")
    expect(page.get_by_role("row", name="sweep").locator(".sign")).to_be_visible()
    rest = page.get_by_role("region", name="What only the command looks at")
    expect(rest.locator("code").first).to_have_text("kubectl kepler doctor")
    expect(rest).to_contain_text("by your own rights")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("doctor")


@pytest.mark.parametrize("width", [390, 900, 1400])
def test_no_word_of_a_command_of_doctor_is_broken(browser: Browser, crowd: ServedConsole, width: int) -> None:
    """Neither an option nor a name with a hyphen, however narrow the column."""
    do = "kubectl kepler dead-letters; then: kubectl kepler dead-letters replay --all"
    check = {"area": "dead letters", "level": "warn", "says": "1 event could not be delivered", "do": do}
    answer = json.dumps({"namespace": "kepler-operator", "checks": [check]})
    with window(browser, {"width": width, "height": 844}) as page:
        page.route("**/api/v1/doctor*", lambda route: route.fulfill(content_type="application/json", body=answer))
        page.goto(crowd.url + "#/doctor")
        commands = page.locator(".doctor .steps code")
        expect(commands).to_have_text(["kubectl kepler dead-letters", "kubectl kepler dead-letters replay --all"])
        lines = commands.locator(".unbroken").evaluate_all(
            "(words) => words.map((word) => word.getClientRects().length)"
        )
        assert lines == [1, 1, 1]
        assert not overflows(page)
