"""The console beside a running stack: what a user does with kubectl is seen in it, without loading it again."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import overflows, window
from tests.e2e.stack_namespace import PATIENCE, StackNamespace
from tests.e2e.test_delivery import undelivered
from tests.faults.destinations import Form
from tests.workbench import BY_NAME, kepler

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def page(browser: Browser, cluster: StackNamespace) -> Iterator[Page]:
    """The console, in a fresh window."""
    with window(browser) as opened:
        opened.goto(cluster.stack.url("kepler-audit"))
        yield opened


def opened(page: Page, cluster: StackNamespace) -> None:
    """To the page of the Kepler, by clicks."""
    page.get_by_role("link", name=f"{cluster.namespace}/kepler", exact=True).click()
    expect(page.get_by_role("heading", name=f"{cluster.namespace}/kepler")).to_be_visible()


def test_a_kepler_appears_and_becomes_ready_while_one_looks(page: Page, cluster: StackNamespace) -> None:
    """With its nodes; nothing is loaded again."""
    page.evaluate("window.loaded = true")
    cluster.apply(kepler())

    row = page.get_by_role("row", name=f"{cluster.namespace}/kepler")
    expect(row.locator(".sign").filter(has_text="Ready")).to_be_visible()
    expect(row).to_contain_text("4/4")
    assert page.evaluate("window.loaded")


def test_an_edit_is_shown_with_who_made_it_and_what_came_of_it(page: Page, cluster: StackNamespace) -> None:
    """The field, before and after; the function that rolled it out; the field of the DaemonSet, and why."""
    cluster.apply(kepler())
    cluster.await_ready()
    opened(page, cluster)
    cluster.kubectl("patch", "keplers/kepler", "--type=merge", "-p", '{"spec":{"collector":{"port":9103}}}')

    change = page.locator(".change").filter(has_text="Generation 2")
    expect(change.locator(".who")).to_have_text("edited by kubectl-patch")
    edit = change.get_by_role("row", name="collector.port")
    expect(edit.locator(".after")).to_contain_text("9103")

    report = change.locator(".report").filter(has_text="DaemonSet kepler-exporter changed")
    report.locator("summary").first.click()
    expect(report).to_contain_text(re.compile(r"containers\[name=kepler-exporter\].*9103", re.DOTALL))
    expect(report).to_contain_text("by kepler-collector")
    expect(report).to_contain_text("Because Kepler")


def test_what_it_waits_for_is_said_and_goes_when_it_has_come(page: Page, cluster: StackNamespace) -> None:
    """In the words of the functions."""
    cluster.apply(kepler(exported_power="later"))
    opened(page, cluster)
    why = page.locator(".why")
    expect(why).to_contain_text("ExportedPowerReconciled")
    expect(why).to_contain_text("'later'")

    cluster.apply({**kepler("later"), "kind": "KeplerExportedPower"})

    expect(why.locator("li", has_text="ExportedPowerReconciled")).to_have_count(0)
    expect(page.locator(".state .sign").filter(has_text="Ready")).to_be_visible()


def test_every_functions_part_of_one_change_is_in_one_trace(page: Page, cluster: StackNamespace, form: Form) -> None:
    """Each has its line; opened, it tells its calls; the end waited for some of them."""
    cluster.apply(kepler())
    cluster.await_ready()
    opened(page, cluster)
    page.locator(".change").get_by_role("link", name="trace").click()

    for name in BY_NAME:
        expect(page.locator(".line", has_text=name.replace("_", " ")).first).to_be_visible()
    expect(page.locator(".line.critical", has_text="status").last).to_be_visible()
    if form is Form.BASE:  # in one process, all begin and end in one turn
        expect(page.locator(".line.critical", has_text="collector").first).to_be_visible()
    collector = page.locator(".waterfall li").filter(has=page.locator(".line .function", has_text="collector")).first
    collector.locator(".line").click()
    expect(collector.locator(".calls")).to_contain_text("daemonsets/kepler-exporter")


def test_what_was_done_to_one_object_is_found_by_its_name(page: Page, cluster: StackNamespace) -> None:
    """What changed in this DaemonSet, by which function, because of which edit."""
    cluster.apply(kepler())
    cluster.await_ready()
    cluster.kubectl("delete", "daemonset/kepler-exporter")
    page.get_by_role("link", name="Activity").click()
    page.get_by_label("namespace").fill(cluster.namespace)
    page.get_by_label("namespace").press("Enter")
    page.get_by_label("object written").fill("DaemonSet/kepler-exporter")
    page.get_by_label("object written").press("Enter")

    reports = page.locator(".report")
    expect(reports).to_have_count(2)
    assert {text.strip() for text in reports.locator(".function").all_text_contents()} == {"collector"}
    reports.first.locator("summary").first.click()
    expect(reports.first).to_contain_text("Because DaemonSet")
    expect(reports.first).to_contain_text("was deleted")


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("apart")
def test_a_dead_letter_is_shown_and_sent_again(page: Page, cluster: StackNamespace) -> None:
    """To a function that was away; when it is back, what the event asked for is done. Or all of them at once."""
    with undelivered(cluster):
        page.get_by_role("link", name="Dead letters").click()
        group = page.locator(".letters > li").filter(has_text=f"{cluster.namespace}/kepler")
        expect(group.first).to_contain_text("connection refused")
        before = group.locator(".letter").count()
        assert before
        group.first.get_by_role("button", name="again").last.click()

        cluster.eventually(lambda: "MachineSpecReconciled" in cluster.conditions())
        expect(group.locator(".letter")).not_to_have_count(before)

        if group.count():
            page.get_by_role("button", name="again").first.click()
        expect(group).to_have_count(0)


def test_what_others_changed_is_shown_with_its_owner(page: Page, cluster: StackNamespace) -> None:
    """A field that no function sets, and how to remove it; gone when it is removed."""
    cluster.apply(kepler())
    cluster.await_ready()
    body = '{"spec":{"template":{"spec":{"schedulerName":"own"}}}}'
    cluster.kubectl("patch", "daemonset/kepler-exporter", "-p", body)
    opened(page, cluster)
    section = page.get_by_role("region", name="What others changed")
    expect(section).to_contain_text("spec.template.spec.schedulerName is 'own', set by kubectl-patch")
    expect(section).to_contain_text("no function sets this field, so it stays")
    section.locator("summary").click()
    expect(section.locator(".steps code")).to_contain_text("--type=json")
    assert not overflows(page)
