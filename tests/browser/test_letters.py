"""Dead letters in the console: an event and its answer at a time, and discarded by the function that keeps them."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dead_letters.dead_letter import LABEL
from dead_letters.dead_letter_store import MANAGER, DeadLetterStore
from local.stack import Stack
from runtime.settings import NAMESPACE
from tests.browser.conftest import settings
from tests.browser.test_reading import CONTRAST, LEAST
from tests.browsing import NARROW, WIDE, Scheme, overflows, window
from tests.dead_letter_samples import given_up, store
from tests.protocol.test_process import running

HOME = "letters-here"


@pytest.fixture
def letters(control_plane: Stack) -> DeadLetterStore:
    """What keeps letters, with none yet."""
    control_plane.kubectl("-n", NAMESPACE, "delete", "configmaps", "-l", LABEL)
    return store(control_plane)


@pytest.fixture
def url(control_plane: Stack, letters: DeadLetterStore, tmp_path: Path) -> Iterator[str]:
    """The console, whose requests go to the function that keeps letters."""
    del letters  # which has made the key that requests are signed with
    database = f"sqlite:///{tmp_path}/audit.db"
    own = {"FUNCTION": "dead_letter", "KUBECONFIG": str(control_plane.kubeconfig_for(NAMESPACE, MANAGER))}
    with running(control_plane, **own) as (_, keeper):
        given = {**settings(control_plane, database, "open"), "K_SINK": keeper}
        with running(control_plane, **given) as (_, console):
            yield f"{console}/#/letters"


@pytest.fixture
def page(browser: Browser, url: str, letters: DeadLetterStore) -> Iterator[Page]:
    """The letters of six events of one kind, given up seven times by two functions, and of another event."""
    for number in range(6):
        letters(given_up(namespace=HOME, id=f"{HOME}-{number}"))
    letters(given_up(namespace=HOME, id=f"{HOME}-0", knativeerrordest="http://kepler-status.kepler-operator.svc"))
    letters(given_up(namespace=HOME, id=f"{HOME}-other", code="0"))
    with window(browser) as opened:
        opened.goto(url)
        expect(opened.locator(".letters > li")).to_have_count(2)
        yield opened


def test_letters_are_grouped_by_event_and_answer(page: Page) -> None:
    """About what, to whom, how often; each of the events is below."""
    group = page.locator(".letters > li").nth(1)
    expect(group.get_by_role("heading")).to_have_text(f"Kepler {HOME}/kepler")
    expect(group.locator(".facts")).to_contain_text("7 times")
    expect(group.locator(".facts")).to_contain_text("kepler-collector")
    expect(group.locator(".facts")).to_contain_text("kepler-status")
    expect(group.locator(".letter").first).to_be_hidden()
    group.locator("summary").click()
    expect(group.locator(".letter:visible")).to_have_count(6)
    expect(group.locator(".letter", has_text=f"{HOME}-0")).to_contain_text("2 times")


def test_a_letter_is_discarded_at_the_second_word(page: Page) -> None:
    """One of a group, then the group, then the last; elsewhere a click takes the question back."""
    group = page.locator(".letters > li").nth(1)
    group.locator("summary").click()
    locator = group.locator(".letter", has_text=f"{HOME}-3")
    locator.get_by_role("button", name="discard").click()
    expect(locator.get_by_role("button", name="really discard")).to_be_focused()
    page.locator("main h1").click()
    expect(locator.get_by_role("button", name="really discard")).to_have_count(0)
    locator.get_by_role("button", name="discard").click()
    locator.get_by_role("button", name="really discard").click()
    expect(group.locator(".letter")).to_have_count(5)
    expect(locator).to_have_count(0)

    group.get_by_role("button", name="discard these 5 events").press("Enter")
    group.get_by_role("button", name="really discard these 5 events").press("Enter")
    expect(page.locator(".letters > li")).to_have_count(1)
    page.get_by_role("button", name="discard").click()
    page.get_by_role("button", name="really discard").click()
    expect(page.locator("main .empty")).to_have_text("Everything was delivered.")
    expect(page.locator("nav .badge")).to_have_count(0)


def test_what_is_not_whole_cannot_be_sent_again(browser: Browser, url: str, letters: DeadLetterStore) -> None:
    """It says so, and can be discarded."""
    large = {"spec": {"x": "x" * 300_000}}
    letters(given_up("com.example.large", namespace=HOME, id=f"{HOME}-large", data=large))
    with window(browser) as page:
        page.goto(url)
        letter = page.locator(".letters > li")
        expect(letter).to_contain_text("not all of it could be stored: it cannot be sent again")
        expect(letter.get_by_role("button", name="again")).to_have_count(0)
        expect(letter.get_by_role("button", name="discard")).to_be_visible()


@pytest.mark.usefixtures("page")
def test_letters_can_be_read(browser: Browser, url: str) -> None:
    """On a desk and on a telephone, by day and by night, with a question asked."""
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for size, scheme in itertools.product((WIDE, NARROW), schemes):
        with window(browser, size, scheme) as page:
            page.goto(url)
            page.locator(".letters summary").click()
            page.locator(".letters > li").first.get_by_role("button", name="discard").first.click()
            expect(page.get_by_role("button", name="really discard")).to_be_visible()
            assert not overflows(page)
            ratio, where = page.evaluate(CONTRAST)
            assert ratio >= LEAST, where
