"""Redaction takes linear time, cuts what is too long without showing half a secret, and is the same when repeated."""

import json
import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import credentials, redact
from runtime.credentials import HIDDEN
from runtime.known_secrets import ALIKE
from runtime.logs import RedactingFormatter
from runtime.redact import DEEPEST, LONGEST, LONGEST_LOGGED, MARGIN, NOTHING_KNOWN, Mask

MIB = 1 << 20
# Seconds of CPU. What is tested takes at most 0.7 on a core that others share; a pattern in quadratic time takes hours.
BUDGET = 5.0
# What patterns begin with, what makes them go on, and what they end with.
FRAGMENTS = (
    *("m", "token", "token=", 'token="', "token='", 'token: \\"', " token: ", "token ", "password", "pass"),
    *("token=a,", "bearer ", "Bearer a", "a://", "://", "@", "a://b:c@d ", "input_value="),
    *("input_value=, input_type=int] ", '"', "'", "`", "\\", '\\"', "eyJ", "eyJaaaaaaaaaa.", "-----BEGIN"),
    *("-----BEGIN PRIVATE KEY-----", "-", "-----END ", "cookie:", "Cookie: a ", "Set-Cookie: ", "authorization: "),
    *("authorization: digest ", "?", "?a=", "&", "&a=b", "#a=", "ghp_", "github_pat_", "AKIA", "ASIA", "=", ":"),
    *("a=b ", "a: ", "[", "{", "token=[", "token={", "token: |\n ", "(hidden)", "(hidden, changed)", " ", "\n"),
    *(", ", "é", "\x1b", "client_secret=", "b'", "a.", "]", "[name="),
)


@contextmanager
def within_budget() -> Iterator[None]:
    """Fails where what is done inside took too much CPU."""
    began = time.process_time()
    yield
    assert time.process_time() - began < BUDGET


def repeated(fragment: str, size: int = MIB) -> str:
    """A text of this size."""
    return (fragment * (size // len(fragment) + 1))[:size]


def mixture(seed: int) -> str:
    """A megabyte of fragments, in an order that the seed gives."""
    chosen = random.Random(seed)
    return "".join(chosen.choices(FRAGMENTS, k=MIB // 5))[:MIB]


def resource(hostile: str) -> dict[str, Any]:
    """A Kepler with this text wherever somebody may write one."""
    return {
        "kind": "Kepler",
        "metadata": {"name": "kepler", "annotations": {"a": hostile}},
        "spec": {"collector": {"env": [{"name": "A", "value": hostile}]}, "model-server": {"pipelines": [hostile]}},
    }


def logged(value: Any) -> str:
    """The line of the log in which this value is the message, or beside it."""
    record = logging.LogRecord("x", logging.INFO, "x", 1, value if isinstance(value, str) else "m", (), None)
    record.__dict__["reason"] = value
    return RedactingFormatter("{message}", style="{").format(record)


@pytest.mark.parametrize(
    "hostile", [*map(repeated, FRAGMENTS), *map(mixture, range(8))], ids=lambda text: ascii(text[:24])
)
def test_a_megabyte_of_anything_takes_seconds_at_most(hostile: str) -> None:
    """Of one character, of what a pattern begins with, of any mixture: in every function that redacts."""
    with within_budget():
        redact.text(hostile)
    with within_budget():
        redact.mask(resource(hostile))
    with within_budget():
        redact.manifest(resource(hostile))
    with within_budget():
        NOTHING_KNOWN.change(f"data.{hostile}", hostile, f"{hostile}x", kind="ConfigMap")
    with within_budget():
        redact.mask(resource(hostile)).text(hostile)
    with within_budget():
        logged(hostile)


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_the_patterns_themselves_are_linear(fragment: str) -> None:
    """Also where nothing was cut, and where the megabyte is many short texts."""
    whole = repeated(fragment)
    with within_budget():
        credentials.hidden(whole)
    with within_budget():
        NOTHING_KNOWN.value([whole[start : start + 64] for start in range(0, MIB, 64)])


@pytest.mark.parametrize(
    "secrets",
    [
        [f"s3cret-{number:06}" for number in range(80_000)],
        ["a" * length + "b" for length in range(6, 1400)],
        [f"{'a' * 40}{number}" for number in range(20_000)],
        [f"{number:x}" for number in range(100_000)],
    ],
    ids=["many", "of every length", "with one beginning", "short"],
)
@pytest.mark.parametrize("text", ["a", "s3cret-", "'1'", "s3cret-000001 "])
def test_thousands_of_secrets_are_sought_in_one_pass(secrets: list[str], text: str) -> None:
    """In a hundred sentences of greatest length."""
    known = Mask(frozenset(secrets))
    known.text("")
    with within_budget():
        for _ in range(40):
            known.text(repeated(text))


def test_secrets_without_number_are_still_hidden() -> None:
    """The bound is on the cost; every secret is found, and of too many that begin alike, all that follows is hidden."""
    known = Mask(frozenset(f"s3cret-{number:06}" for number in range(50_000)))
    assert known.text("it is s3cret-049999, not s3cret-x") == f"it is {HIDDEN}, not s3cret-x"
    alike = Mask(frozenset(f"{'a1' * 20}-{number:06}" for number in range(ALIKE + 1)))
    assert alike.text(f"it is {'a1' * 20}-000003 now") == f"it is {HIDDEN}"


def test_an_annotation_of_a_resource_costs_nothing() -> None:
    """Of a Kepler only the spec is searched for secrets: neither annotations, nor managed fields, nor the status."""
    env = {"collector": {"env": [{"name": "A", "value": "s3cret-1"}]}}
    hostile = {"annotations": {"a": repeated("https://me:s3cret@x ")}, "managedFields": [{"manager": "x" * MIB}]}
    kepler = {"kind": "Kepler", "metadata": hostile, "spec": env, "status": {"token": "s3cret-2"}}
    with within_budget():
        for _ in range(200):
            assert redact.mask(kepler).secrets == {"s3cret-1"}


def test_many_named_items_are_compared_in_one_pass() -> None:
    """Twenty thousand variables before, and as many after."""
    before, after = ([{"name": f"N{number}", "value": side} for number in range(20_000)] for side in "ab")
    with within_budget():
        NOTHING_KNOWN.change("spec.containers[name=x].env", before, after)


def test_a_long_key_is_read_once_however_many_values_are_below_it() -> None:
    """The path of a value is not composed again for each."""
    tree: Any = [""] * 100_000
    for _ in range(DEEPEST - 4):
        tree = {"k" * 8000: tree}
    with within_budget():
        redact.manifest(tree)
        redact.mask(tree)


@pytest.mark.parametrize("nested", ['{"a":' * 900 + '"s3cret"' + "}" * 900, "[" * 900 + '"s3cret"' + "]" * 900])
def test_what_is_nested_too_deeply_is_hidden(nested: str) -> None:
    """And is no error: neither in an object, nor in a change, nor in a line of the log."""
    tree = {"spec": json.loads(nested)}
    redact.mask(tree)
    for shown in (redact.manifest(tree), NOTHING_KNOWN.change("spec", None, tree), logged(tree["spec"])):
        text = json.dumps(shown)
        assert HIDDEN in text
        assert "s3cret" not in text


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    """Values of reports after 4096 characters, of log lines after 16384; what is a little longer stays whole."""
    assert redact.text("x " * MIB) == f"{('x ' * LONGEST)[:LONGEST]} ... (cut, {2 * MIB} characters)"
    assert len(logged("x " * MIB)) < 3 * LONGEST_LOGGED
    assert redact.text("x" * (LONGEST + MARGIN)) == "x" * (LONGEST + MARGIN)


def test_a_change_behind_the_cut_is_seen() -> None:
    """What differed still differs."""
    before, after = NOTHING_KNOWN.change("data.x", f"{'x' * MIB}a", f"{'x' * MIB}b")
    assert after == f"{before.removesuffix(')')}, changed)"


S3CRET = "".join(f"{number:02x}" for number in range(100, 164))
WRITTEN = (
    f"https://me:{S3CRET}@host/x",
    f"token={S3CRET}",
    f'"password": "a\\"{S3CRET}"',
    f"Bearer {S3CRET}",
    f"eyJ{S3CRET}.{S3CRET}.x",
    f"-----BEGIN RSA PRIVATE KEY-----\n{S3CRET}\n-----END RSA PRIVATE KEY-----",
    f"input_value='{S3CRET}', input_type=str]",
    f"ghp_{S3CRET}",
    f"?X-Amz-Signature={S3CRET}&a=b",
    f"Cookie: a={S3CRET}; b={S3CRET}",
    f"known {S3CRET}",
    "'wordsofsecrecy'",
    "known s3cret7",
)


@pytest.mark.parametrize("written", WRITTEN)
def test_a_cut_shows_no_half_of_a_secret(written: str) -> None:
    """Wherever in the secret the cut is."""
    known = Mask(frozenset({S3CRET, "wordsofsecrecy", "s3cret7"}))
    for before in range(LONGEST - len(written) - 2, LONGEST + MARGIN + 2):
        shown = known.text(f"{'. ' * before}"[:before] + written + " ." * LONGEST)
        assert not any(part in shown for part in (S3CRET[:6], S3CRET[6:12], S3CRET[-6:], "wordso", "s3cre")), before


@pytest.mark.parametrize("written", WRITTEN)
@given(before=st.lists(st.sampled_from(FRAGMENTS), max_size=4), after=st.lists(st.sampled_from(FRAGMENTS), max_size=4))
def test_no_planted_secret_survives(written: str, before: list[str], after: list[str]) -> None:
    """Whatever stands around it."""
    known = Mask(frozenset({S3CRET, "wordsofsecrecy", "s3cret7"}))
    shown = known.text(f"{''.join(before)} {written} {''.join(after)}")
    assert S3CRET not in shown
    assert "'wordsofsecrecy'" not in shown
    assert "s3cret7" not in shown


@given(parts=st.lists(st.sampled_from((*FRAGMENTS, *WRITTEN)) | st.text(max_size=4), max_size=12))
def test_what_is_redacted_stays_as_it_is(parts: list[str]) -> None:
    """Redacting it again, as a log line does with a message that is redacted already, changes nothing."""
    once = redact.text("".join(parts))
    assert redact.text(once) == once


@given(parts=st.lists(st.sampled_from((*FRAGMENTS, *WRITTEN)), min_size=1, max_size=12), start=st.integers(0, 40))
def test_what_is_cut_stays_as_it_is(parts: list[str], start: int) -> None:
    """A cut text is not cut again."""
    once = redact.text(" " * start + repeated("".join(parts), 3 * LONGEST))
    assert redact.text(once) == once
