"""Every reason that the code can give to a condition, read from the source of `functions` and `runtime`.

A reason is an argument of `rejected`, `waiting`, `converged`, `FunctionCondition` or `Outcome`. It is a constant, a
member of an enum of reasons, or what a function of the same module returns. A reason that is copied from another
condition or outcome, as in `decided.reason`, is given where that one is made. Anything else raises UnknownReason.
"""

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from local.layout import ROOT
from operands import pod_trouble

PACKAGES = ("functions", "operands", "runtime")
# The place of the reason among the arguments. `pending` is not here: a quiet outcome writes no condition.
PLACES: Mapping[str, int | None] = {
    "rejected": 0,
    "waiting": 0,
    "converged": None,
    "FunctionCondition": 2,
    "Outcome": 1,
}
DEFAULT = "Reconciled"  # of `converged`
# Where these are defined; what they pass on is a parameter.
DEFINITIONS = frozenset({"runtime.outcome"})
POD_REASONS = frozenset(node.value for node in pod_trouble.Reason)


class UnknownReason(Exception):
    """An expression of which this module cannot tell what reasons it may be."""


@dataclass(frozen=True)
class Given:
    """One reason, and the module that gives it to a condition."""

    reason: str
    module: str


def given() -> frozenset[Given]:
    """Every reason by every module that gives it."""
    return frozenset(
        given_reason
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for given_reason in _of(path)
    )


def _of(path: Path) -> Iterator[Given]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    if module not in DEFINITIONS:
        yield from (Given(reason, module) for reason in reasons(path.read_text(), module))


def reasons(source: str, module: str) -> frozenset[str]:
    """The reasons that the source of a module gives. Raises UnknownReason."""
    tree = ast.parse(source)
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    calls = ((scope, call) for scope in scopes for call in ast.walk(scope) if isinstance(call, ast.Call))
    return frozenset(reason for scope, call in calls for reason in _Calls(tree, scope, module).reasons(call))


@dataclass(frozen=True)
class _Calls:
    """The calls in one function of a module."""

    tree: ast.Module
    scope: ast.FunctionDef
    module: str

    def reasons(self, call: ast.Call) -> Iterator[str]:
        called = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if called not in PLACES:
            return
        named = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
        place = PLACES[called]
        if named:
            yield from self._values(named[0])
        elif place is None:
            yield DEFAULT
        elif place < len(call.args):
            yield from self._values(call.args[place])
        else:
            raise UnknownReason(f"{self.module}:{call.lineno}")

    def _values(self, node: ast.expr) -> Iterator[str]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from self._values(node.body)
            yield from self._values(node.orelse)
        elif isinstance(node, ast.Attribute) and node.attr == "reason":
            return  # copied
        elif ast.unparse(node).endswith(".reason.value"):
            yield from POD_REASONS
        elif isinstance(node, ast.Name):
            yield from self._named(node)
        elif not ast.unparse(node).endswith("['reason']"):  # copied from a condition as the API server has it
            raise UnknownReason(f"{self.module}:{node.lineno}: `{ast.unparse(node)}`")

    def _named(self, node: ast.Name) -> Iterator[str]:
        """A constant of the module, or a variable that a function of the module is called for."""
        constant = getattr(self._imported(), node.id, None)
        if isinstance(constant, str):
            yield constant
            return
        values = [value for returned in self._assigned(node.id) for value in self._values(returned)]
        if not values:
            raise UnknownReason(f"{self.module}:{node.lineno}: `{node.id}`")
        yield from values

    def _imported(self) -> ModuleType:
        return importlib.import_module(self.module)

    def _assigned(self, variable: str) -> Iterator[ast.expr]:
        """What is returned in place of the variable, where the returned tuple is unpacked."""
        for node in ast.walk(self.scope):
            if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)):
                continue
            names = [name.id for name in node.targets[0].elts if isinstance(name, ast.Name)]
            if variable in names and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
                yield from self._returned(node.value.func.id, names.index(variable))

    def _returned(self, function: str, place: int) -> Iterator[ast.expr]:
        for definition in (one for one in self.tree.body if isinstance(one, ast.FunctionDef) and one.name == function):
            for node in ast.walk(definition):
                if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                    yield node.value.elts[place]
