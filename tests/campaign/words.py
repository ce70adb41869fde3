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
    return any(_about(quoted.split("."), steps) for quoted in QUOTED.findall(message))


def _about(quoted: list[str], steps: list[str]) -> bool:
    """Whether a path, told from wherever the message is about, leads to, above or below the field of these steps."""
    short, long = sorted((quoted, steps), key=len)
    within = any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))
    return within or any(steps[-count:] == quoted[:count] for count in range(1, len(quoted)))
