r"""Which characters are shown escaped, and that everything else is as it was."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.plain import as_yaml
from runtime.printable import is_printable, visible, visible_line

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
    assert not [one for one in visible_line(text) if unicodedata.category(one) in ("Cc", "Cs")]


@given(content=st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=3))
def test_yaml_is_printable(content: dict[str, str]) -> None:
    """Whatever is in it."""
    assert is_printable(as_yaml(content))
