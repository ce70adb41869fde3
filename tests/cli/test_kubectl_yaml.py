"""A file is read as kubectl reads it: every value is compared with what the real kubectl makes of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.manifest_files.kubectl_yaml import documents
from local.local_errors import CommandFailed
from local.stack import Stack
from tests.cli.terminal import Terminal

NUMBERS = """
    1e3 1E3 1e+3 1e-3 1.5e3 1e999 .5 .5e1 1. . +1 -1 + -.5 1_000 1_0.5 _1 1__0
    0 00 07 010 017 08 09 0o17 0O17 0o8 0x1F 0X1f -0x10 0xg 0b101 0B1 -0b11 0b2 1e 1e3x e3
    9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 -9223372036854775808
    -9223372036854775809 1e20 1e21 123456789012345678901234567890 1.0 -0.0 1.5 1.1e1 3.0e-1 0.1 0.30000000000000004
"""
OTHERS = """
    12:30 12:30:45 190:20:30 1:2.5 2001-12-14 2001-12-14t21:59:43.10-05:00 2001-1-1 20011214
    y Y n N yes Yes YES yEs no No NO on On ON off Off OFF true True TRUE tRue false False FALSE
    ~ null Null NULL nULL nil None << <<x = == infinity inf nan 1.2.3 v1 1Gi 100m 30s 1,000 1/2 5%
"""
SCALARS = (*NUMBERS.split(), *OTHERS.split())
TAGGED = (
    "!!str 1",
    "!!str yes",
    "!!int 1",
    "!!float 1",
    "!!bool yes",
    "!x 1",
    "!x {a: 1}",
    "!!timestamp 2001-12-14",
    "''",
    '"1e3"',
)
HEAD = {"apiVersion": "sustainable-computing.io/v1alpha1", "kind": "Kepler", "metadata": {"name": "x"}}
KEYS = ("yes", "1", "1.5", "0x10", "~x", "2001-12-14", "12:30", "off")


def kepler(fields: str) -> str:
    """A Kepler's manifest with these lines in `spec`; only the server would look at them."""
    return f"apiVersion: sustainable-computing.io/v1alpha1\nkind: Kepler\nmetadata: {{name: x}}\nspec:\n{fields}"


def kubectls(stack: Stack, manifest: str) -> Any:
    """What kubectl would send to be created."""
    arguments = ("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-")
    return json.loads(stack.kubectl(*arguments, stdin=manifest))["spec"]


def test_every_plain_scalar_is_what_kubectl_makes_of_it(control_plane: Stack) -> None:
    """Numbers, truth values, times and what only looks like them; value and type."""
    manifest = kepler("".join(f"  k{at}: {text}\n" for at, text in enumerate((*SCALARS, *TAGGED))))
    [ours] = documents(manifest)
    theirs = kubectls(control_plane, manifest)
    answer = dict(zip(ours["spec"], (*SCALARS, *TAGGED), strict=True))
    assert {answer[key]: value_and_type(value) for key, value in ours["spec"].items()} == {
        answer[key]: value_and_type(theirs[key]) for key in ours["spec"]
    }


def value_and_type(value: Any) -> tuple[Any, type]:
    """Return a value and its type; kubectl prints a float without an exponent, which then looks like an integer."""
    beyond = type(value) is int and abs(value) >= 2**63
    return (float(value), float) if beyond else (value, type(value))


def test_keys_are_texts(control_plane: Stack) -> None:
    """As JSON has them."""
    manifest = kepler("".join(f"  {key}: 1\n" for key in KEYS))
    assert documents(manifest)[0]["spec"] == kubectls(control_plane, manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        json.dumps(HEAD | {"spec": {"a": 1, "b": 1.5, "c": "🚀"}}),
        json.dumps(HEAD | {"spec": {}}).replace("{}", '{"a": 1e3,\n\t"b":\t1.0}'),
        "{apiVersion: sustainable-computing.io/v1alpha1, kind: Kepler, metadata: {name: x}, spec: {a: 1e3}}",
        kepler("  a: &a {b: 1e3}\n  c: {<<: *a, d: 2}\n"),
        kepler("  a: 1\n  a: 2\n"),
        kepler("  a: |\n    1e3\n  b: >-\n    yes\n"),
        "\ufeff" + kepler("  a: 1\n"),
        kepler("  a: 1\n").replace("\n", "\r\n"),
    ],
)
def test_every_form_of_a_document(control_plane: Stack, manifest: str) -> None:
    """JSON with its escapes, flow style, anchors, blocks, a byte order mark."""
    [ours] = documents(manifest)
    assert ours["spec"] == kubectls(control_plane, manifest)


@pytest.mark.parametrize("fields", ["  a: .inf\n", "  a: .nan\n", "  ~: 1\n", "  [a]: 1\n", "  a: *b\n", "  a: [\n"])
def test_what_kubectl_refuses_is_refused(control_plane: Stack, terminal: Terminal, tmp_path: Path, fields: str) -> None:
    """In one line."""
    with pytest.raises(CommandFailed):
        kubectls(control_plane, kepler(fields))
    file = tmp_path / "kepler.yaml"
    file.write_text(kepler(fields))
    result = terminal("diff", "-f", str(file))
    assert (result.code, result.err.count("\n")) == (6, 1)
