"""Whether the test that `effects.field_cases` names for a field fails once the field is ignored.

`python -m tests.shown_fields` runs each of these tests with the field taken out of every resource before it is
validated, and prints the fields whose test passes all the same: it would not notice if a function forgot the field.
"""

import contextlib
import copy
import io
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from crds.meta import Resource
from effects.field_cases import FIELDS, FieldCase
from runtime.declaration import Observed
from runtime.objects import Manifest, Ref

# Only one value is allowed, which is the default: without the field nothing is otherwise.
ONE_VALUE = frozenset({"spec.estimator-sidecar.mnt-path"})
FAILED = int(pytest.ExitCode.TESTS_FAILED)


def without(manifest: Any, steps: list[str]) -> None:
    """Take the field at the end of these steps out of a manifest; `[]` is every item, `<name>` every key."""
    if not steps or not isinstance(manifest, dict):
        return
    step, rest = steps[0].removesuffix("[]"), steps[1:]
    below = [manifest[key] for key in manifest] if step == "<name>" else [manifest.get(step)]
    if rest:
        for value in below:
            for item in value if isinstance(value, list) else [value]:
                without(item, rest)
    else:
        manifest.pop(step, None)


@contextlib.contextmanager
def ignored(field: FieldCase) -> Iterator[None]:
    """Resources of the field's kind have no such field while this lasts, whether validated or read as they are."""
    validate = Resource.model_validate.__func__  # type: ignore[attr-defined]
    init = Observed.__init__

    def validate_without(cls: type[Resource], /, manifest: Any, **options: Any) -> Any:
        if cls.names.kind == field.kind:
            manifest = copy.deepcopy(manifest)
            without(manifest, field.path.split("."))
        return validate(cls, manifest, **options)

    def init_without(self: Observed, key: Ref, parent: Manifest | None, *rest: Any, **named: Any) -> None:
        if key.kind.name == field.kind:
            parent = copy.deepcopy(parent)
            without(parent, field.path.split("."))
        init(self, key, parent, *rest, **named)

    with (
        mock.patch.object(Resource, "model_validate", classmethod(validate_without)),
        mock.patch.object(Observed, "__init__", init_without),
    ):
        yield


def is_shown(field: FieldCase) -> bool:
    """Whether the test fails without the field."""
    with ignored(field), contextlib.redirect_stdout(io.StringIO()):
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", field.shown_by])) == FAILED


def main() -> int:
    """Print each field that its test does not show; 1 if there are any."""
    pure = [field for field in FIELDS if field.shown_by.startswith("tests/pure/") and field.path not in ONE_VALUE]
    unshown = [field for field in pure if not is_shown(field)]
    for field in unshown:
        print(f"{field}: `{field.shown_by}` passes without it: let the test look at what the field changes")
    return 1 if unshown else 0


if __name__ == "__main__":
    sys.exit(main())
