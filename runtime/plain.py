"""Writes objects as YAML that is readable and that `kubectl` accepts."""

from typing import Any

import yaml

from runtime.printable import is_printable


class _PlainDumper(yaml.SafeDumper):
    """Writes shared values in full instead of as anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def as_yaml(content: Any) -> str:
    """Return YAML in the order of the content, without anchors.

    If it has characters that a terminal would interpret, all non-ASCII characters are escaped.
    """
    readable = _dumped(content, unicode=True)
    return readable if is_printable(readable) else _dumped(content, unicode=False)


def _dumped(content: Any, *, unicode: bool) -> str:
    return yaml.dump(content, Dumper=_PlainDumper, sort_keys=False, width=120, allow_unicode=unicode)
