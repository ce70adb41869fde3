"""Lists walked side by side, in the order in which the API server has them."""

from typing import Any

import pytest

from sweeper.snapshot import Stream


def named(*names: str) -> list[dict[str, Any]]:
    """Objects by namespace/name."""
    return [{"metadata": dict(zip(("namespace", "name"), name.split("/"), strict=True))} for name in names]


# As etcd sorts keys: 'a-b/x' is before 'a/x', since a hyphen is before a slash.
SORTED = named("a-b/x", "a/x", "a/y", "ab/x", "b/x")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["a-b", "a", "ab", "b"], [["x"], ["x", "y"], ["x"], ["x"]]),
        (["a", "b"], [["x", "y"], ["x"]]),
        (["0", "a-b", "aa", "c"], [[], ["x"], [], []]),
        (["c"], [[]]),
        (["a", "a"], [["x", "y"], []]),
    ],
)
def test_a_stream_gives_each_namespace_its_own(wanted: list[str], expected: list[list[str]]) -> None:
    """Whatever is asked for and missing, and whatever is there and not asked for."""
    stream = Stream(iter(SORTED))
    assert [[manifest["metadata"]["name"] for manifest in stream.take(namespace)] for namespace in wanted] == expected


def test_a_stream_holds_one_object_beyond_what_was_taken() -> None:
    """Memory does not grow with the list."""
    read = []

    def items() -> Any:
        for entry in SORTED:
            read.append(entry)
            yield entry

    stream = Stream(items())
    list(stream.take("a-b"))
    assert len(read) == 2
