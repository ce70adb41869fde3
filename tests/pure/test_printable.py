r"""Which characters are shown escaped, and that everything else is as it was."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.plain import as_yaml
from runtime.printable import (
    LONGEST_NAME,
    encodable,
    is_printable,
    is_visible_name,
    visible,
    visible_line,
    visible_name,
)

ESCAPED = [
    *range(9),
    0x0B,
    0x0C,
    *range(0x0E, 0x20),
    *range(0x7F, 0xA0),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
]


@pytest.mark.parametrize("code", [*ESCAPED, 0x0D, 0xD800, 0xDFFF])
def test_a_control_character_is_escaped(code: int) -> None:
    """C0 but newline and tab, DEL, C1, separators, embeddings, overrides, isolates, surrogates."""
    shown = visible(f"a{chr(code)}b")
    assert is_printable(shown)
    assert shown.startswith("a\\")
    assert not is_printable(chr(code))


@pytest.mark.parametrize(
    "text", ["", "a\n\tb", " ~\xa0", "é", "日本", "\u05d0", "🙂", "\u2027\u202f\u2065\u206a", "\ue000"]
)
def test_everything_else_is_as_it_was(text: str) -> None:
    """Other scripts, emoji, newlines and tabs; in a line these two are escaped as well."""
    assert is_printable(text)
    assert visible(text) == text
    assert visible_line(text) == text.replace("\n", "\\n").replace("\t", "\\t")


@given(text=st.text())
def test_whatever_is_shown_holds_no_control_character(text: str) -> None:
    """As Unicode has them: category Cc, and surrogates, but newlines and tabs."""
    assert is_printable(visible(text))
    assert not [word for word in visible_line(text) if unicodedata.category(word) in ("Cc", "Cs")]


@given(text=st.text(st.characters(exclude_categories=[])) | st.text().map(lambda text: text * 200))
def test_every_text_can_be_shown_as_a_name(text: str) -> None:
    """A name that is one already is as it was; any other is escaped and cut."""
    assert is_visible_name(visible_name(text))
    assert visible_name(text) == text or not is_visible_name(text)
    encodable(text).encode()


def test_a_long_name_is_cut_between_characters() -> None:
    """After so many bytes of UTF-8."""
    assert visible_name("é" * LONGEST_NAME) == "é" * (LONGEST_NAME // 2)


@given(content=st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=3))
def test_yaml_is_printable(content: dict[str, str]) -> None:
    """Whatever is in it."""
    assert is_printable(as_yaml(content))
