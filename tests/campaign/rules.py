"""The rules of the schemas, as far as values can be made from them: bounds, lists of names, patterns of text.

A rule is CEL, and the API server is who judges by it. Here it is only read, to know on which side of it a value is.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from crds.core import Schema
from crds.fields import RULES, seconds

BETWEEN = re.compile(r"self >= (-?\d+) && self <= (-?\d+)")
ONLY = re.compile(r"self == '([^']*)'")
ONE_OF = re.compile(r"self in \[([^\]]*)\]")
LONGEST = re.compile(r"size\(self\) <= (\d+)")
LITERAL = re.compile(r"\br'([^']*)'")


def rules(node: Schema) -> tuple[str, ...]:
    """Every rule of a value, in CEL."""
    rules_of_node = node.get(RULES)
    return (
        tuple(str(rule["rule"]) for rule in rules_of_node if isinstance(rule, dict))
        if isinstance(rules_of_node, list)
        else ()
    )


def bounds(node: Schema) -> tuple[int, int]:
    """The least and the greatest of an integer; those of its format where nothing else is said."""
    for rule in rules(node):
        if match := BETWEEN.fullmatch(rule):
            return int(match[1]), int(match[2])
    widest = 2 ** (31 if node.get("format") == "int32" else 63)
    least, most = node.get("minimum", -widest), node.get("maximum", widest - 1)
    assert isinstance(least, int)
    assert isinstance(most, int)
    return least, most


def names(node: Schema) -> tuple[str, ...]:
    """The values that are listed, by an enum or by a rule; empty where any is."""
    listed = node.get("enum")
    if isinstance(listed, list):
        return tuple(map(str, listed))
    for rule in rules(node):
        if only := ONLY.fullmatch(rule):
            return (only[1],)
        if match := ONE_OF.fullmatch(rule):
            return tuple(word.strip(" '") for word in match[1].split(","))
    return ()


def longest(node: Schema) -> int:
    """How long a text may be, by the rules, or else by what bounds their cost."""
    lengths = [int(match) for rule in rules(node) for match in LONGEST.findall(rule)]
    most = node.get("maxLength")
    return min([*lengths, *([most] if isinstance(most, int) else [])])


def holds(node: Schema, value: str | int | list[str]) -> bool | None:
    """Whether every rule of the field holds for a value; None where that is the API server's alone to say."""
    most = node.get("maxLength")
    if isinstance(most, int) and isinstance(value, str) and len(value) > most:
        return False
    verdicts = [_holds(rule, value) for rule in rules(node)]
    return False if False in verdicts else None if None in verdicts else True


def _holds(rule: str, value: str | int | list[str]) -> bool | None:
    known: Mapping[str, Callable[..., object]] = {"size": len, "matches": _matches, "duration": _written}
    try:
        return bool(eval(_python(rule), {"__builtins__": {}}, {**known, "self": value}))
    except (AttributeError, NameError, SyntaxError, TypeError):
        return None
    except ValueError:
        return False


def _python(rule: str) -> str:
    """The rule as Python has it: of CEL, only what rules about text and numbers are made of."""
    patterns = LITERAL.findall(rule)
    text = LITERAL.sub("\0", rule).replace("self.matches(", "matches(self, ").replace("&&", " and ")
    text = text.replace("||", " or ").replace("!matches", " not matches")
    for pattern in patterns:
        text = text.replace("\0", repr(pattern), 1)
    return text


def _matches(text: str, pattern: str) -> bool:
    """As RE2 does it: there, `$` is the end, and a line's end is not."""
    return re.search(re.sub(r"\$$", r"\\Z", pattern), text) is not None


def _written(span: Any) -> int:
    return seconds(str(span))
