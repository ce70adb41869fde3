"""Objects as the YAML that people read and `kubectl` takes."""

from typing import Any

import yaml

from runtime.printable import is_printable


class _PlainDumper(yaml.SafeDumper):
    """Writes shared values out instead of as anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def as_yaml(content: Any) -> str:
    """YAML in the order of the content, without anchors; with escapes where a terminal would obey a character."""
    readable = _dumped(content, unicode=True)
    return readable if is_printable(readable) else _dumped(content, unicode=False)


def _dumped(content: Any, *, unicode: bool) -> str:
    return yaml.dump(content, Dumper=_PlainDumper, sort_keys=False, width=120, allow_unicode=unicode)
