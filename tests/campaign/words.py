"""Whether a message tells a user which field it is about."""

import re

QUOTED = re.compile(r"`([a-z][a-z0-9.-]*)`")


def names(message: str, path: str) -> bool:
    """Whether an answer of the API server has the field's path in it; a name in a map may be in brackets."""
    text = message.replace("[", ".").replace("]", "")
    return re.search(rf"(?<![a-z-]){re.escape(path)}(?![a-z-])", text) is not None


def quotes(message: str, path: str) -> bool:
    """Whether a condition has the field, something in it or what it is in, in back-quotes."""
    steps = path.removeprefix("spec.").split(".")
    return any(_within(quoted.split("."), steps) for quoted in QUOTED.findall(message))


def _within(one: list[str], other: list[str]) -> bool:
    """Whether the steps of the shorter are in the longer, one after the other."""
    short, long = sorted((one, other), key=len)
    return any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))
