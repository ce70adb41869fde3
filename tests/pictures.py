"""`python -m tests.pictures`: takes the pictures of the console in `docs/` anew, beside a running stack of its own.

Knative's programs use fixed ports: `make down` first.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from local.go_programs import build
from local.layout import DEFAULT, ROOT
from local.ports import Ports
from local.stack import Stack
from tests.browsing import launch, window
from tests.e2e.stack_namespace import PATIENCE, StackNamespace
from tests.workbench import create_namespace, kepler

DOCS = ROOT / "docs"
SIZE: ViewportSize = {"width": 1280, "height": 900}
# Not pushed so far that the page's head covers it.
HEAD = 60


def take() -> None:
    """Write `console-resources.png`, `console-why.png`, `console-history.png` and `console-trace.png`."""
    build()
    expect.set_options(timeout=PATIENCE * 1000)
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), Ports.free(), programs=DEFAULT) as stack,
        sync_playwright() as playwright,
    ):
        stack.start(ROOT / "config/base")
        populate(stack)
        browser, url = launch(playwright), stack.url("kepler-audit")
        shoot_resources(browser, url)
        shoot_history(browser, url)
        browser.close()


def populate(stack: Stack) -> None:
    """Keplers of several namespaces: most are well, one names what is not there, one finds no node, one is edited."""
    for name in ("energy", "lab", "team-a", "team-b", "team-c", "training"):
        create_namespace(stack, name)
    for name in ("energy", "team-a", "team-b", "team-c"):
        StackNamespace(stack, name).apply(kepler())
    for name in ("energy", "team-a", "team-b", "team-c"):
        StackNamespace(stack, name).await_ready()
    lab, training, energy = (StackNamespace(stack, name) for name in ("lab", "training", "energy"))
    lab.apply(kepler(collector={"node-selector": {"hardware": "rapl"}}))
    training.apply(kepler(exported_power="measured"))
    lab.eventually(lambda: lab.conditions().get("Ready", {}).get("reason") == "NoNodes", lab.conditions)
    training.eventually(lambda: "CollectorReconciled" in training.conditions(), training.conditions)
    energy.patch("keplers/kepler", {"spec": {"collector": {"port": 9103}}})
    energy.await_ready()


def shoot_resources(browser: Browser, url: str) -> None:
    """All of them, and why one is not ready."""
    with window(browser, SIZE) as page:
        page.goto(url)
        expect(page.locator(".resources [data-row]")).to_have_count(6)
        save(page, "console-resources")
        page.get_by_role("link", name="lab/kepler").click()
        expect(page.locator(".why")).to_contain_text("NoNodes")
        save(page, "console-why")


def shoot_history(browser: Browser, url: str) -> None:
    """One edit: what was changed where, and its trace."""
    with window(browser, SIZE) as page:
        page.goto(f"{url}#/resource/Kepler/energy/kepler")
        change = page.locator(".change").filter(has_text="Generation 2")
        report = change.locator(".report").filter(has_text="DaemonSet kepler-exporter changed")
        report.locator("summary").first.click()
        expect(report).to_contain_text("by kepler-collector")
        change.evaluate(f"(one) => scrollTo(0, one.getBoundingClientRect().top + scrollY - {HEAD})")
        save(page, "console-history")
    with window(browser, SIZE, "dark") as page:
        page.goto(f"{url}#/resource/Kepler/energy/kepler")
        page.locator(".change").filter(has_text="Generation 2").get_by_role("link", name="trace").click()
        expect(page.locator(".waterfall").first).to_be_visible()
        save(page, "console-trace")


def save(page: Page, name: str) -> None:
    """Once nothing is loading."""
    expect(page.locator("[aria-busy]")).to_have_count(0)
    expect(page.locator("footer")).to_contain_text("kept")
    page.screenshot(path=DOCS / f"{name}.png")


if __name__ == "__main__":
    take()
