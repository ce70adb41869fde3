"""Objects as the YAML that people read and `kubectl` takes."""

from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    """Writes shared values out instead of as anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def as_yaml(content: Any) -> str:
    """YAML in the order of the content, without anchors."""
    return yaml.dump(content, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)
