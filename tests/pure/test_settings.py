"""Settings that cannot be meant end the process at its start, and the message says what to set."""

import pytest

from runtime.errors import Misconfigured
from runtime.settings import settings


def test_an_unknown_log_level_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(Misconfigured, match=r"`LOG_LEVEL` is 'verbose': set it to one of .*DEBUG"):
        settings({"FUNCTION": "collector", "LOG_LEVEL": "verbose"}, ("collector",))


@pytest.mark.parametrize(("level", "used"), [("debug", "DEBUG"), ("Warning", "WARNING"), ("", "INFO")])
def test_a_log_level_may_be_written_in_any_case_and_left_blank(level: str, used: str) -> None:
    """Blank means the default, as for the other settings."""
    assert settings({"FUNCTION": "collector", "LOG_LEVEL": level}, ("collector",)).log_level == used
