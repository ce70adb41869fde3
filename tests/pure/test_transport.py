"""What the way to the API server makes of requests and answers, without any server."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.kubernetes_client import Configuration
from runtime.transport import MOST_SECONDS, _seconds, _yaml, through


@given(st.text() | st.text("\\ud8🚫\"'\n", max_size=30))
def test_an_apply_is_json_without_pairs_of_surrogates(text: str) -> None:
    """Whatever backslashes come before."""
    written = _yaml({text: text})
    assert json.loads(written) == {text: text}
    assert not any("\ud800" <= character <= "\udfff" for character in written)
    assert ("🚫" in written) is ("🚫" in text)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("2", 2),
        ("-5", 0),
        ("1.5", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("9" * 5000, MOST_SECONDS),
    ],
)
def test_retry_after_is_seconds_or_nothing(header: str | None, seconds: float) -> None:
    """However long the number is; Python refuses to read one of thousands of digits."""
    assert _seconds(header) == seconds


def test_credentials_are_looked_at_now_and_then() -> None:
    """The client asks its hook before each request; a kubeconfig's hook puts itself there again, each time."""
    asked: list[Configuration] = []

    def hook(configured: Configuration) -> None:
        asked.append(configured)
        configured.refresh_api_key_hook = hook  # type: ignore[assignment]

    configured = Configuration()
    configured.refresh_api_key_hook = hook  # type: ignore[assignment]
    through(configured, user_agent="tests")
    for _ in range(5):
        configured.get_api_key_with_prefix("BearerToken")
    assert asked == [configured]
