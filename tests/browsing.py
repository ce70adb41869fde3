"""The console as somebody sees it: real Chromium, the distribution's, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page, Playwright, ViewportSize

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the console is to be talked to; root may not have a sandbox.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE: ViewportSize = {"width": 1280, "height": 860}
NARROW: ViewportSize = {"width": 390, "height": 844}

Scheme = Literal["light", "dark"]


def launch(playwright: Playwright) -> Browser:
    """Chromium, without a window; fails with what to install where there is none."""
    program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    assert program, "no Chromium: run `tests/packages.sh`, or install the package `chromium`"
    return playwright.chromium.launch(executable_path=program, args=[*FLAGS])


@contextmanager
def window(browser: Browser, size: ViewportSize = WIDE, scheme: Scheme = "light") -> Iterator[Page]:
    """A fresh window; whatever went wrong in its scripts, styles or policies fails the test."""
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    try:
        yield page
        # An answer other than success is a line of its own there, and for the tests that provoke one no fault.
        assert not [text for text in wrong if not text.startswith("Failed to load resource")], wrong
    finally:
        context.close()


def overflows(page: Page) -> bool:
    """Whether anything makes the page wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
