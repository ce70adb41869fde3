"""The ConfigMap with which a user adds to the configuration of Kepler v0.11: read, checked, and what is wrong with it.

Kepler exits at its start at an invalid value, on every node, so what it would not accept is refused here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from crds.kepler import Kepler
from operands import kepler_v011
from operands.config_schema import KEYS, OWNED, invalid
from runtime.adoption import resync
from runtime.declaration import Observed
from runtime.objects import CONFIG_MAP, Manifest, Ref
from runtime.outcome import Outcome, rejected

Document = dict[str, Any]

# Bytes of a user's `config.yaml`: far more than all keys there are.
LIMIT: Final = 64 * 1024

# The meter for Kepler's own tests, whose numbers are random.
FAKE_METER: Final = "dev.fake-cpu-meter.enabled"


@dataclass(frozen=True)
class Additions:
    """A user's `config.yaml`: its content, the keys that no Kepler v0.11 knows, and why it cannot be used, if so."""

    content: Document
    unknown: tuple[str, ...] = ()
    problem: str = ""


def references(key: Ref, parent: Manifest) -> tuple[Ref, ...]:
    """Return the ConfigMap that the Kepler names, if any."""
    config_map_name = ((parent.get("spec") or {}).get("collector") or {}).get("additional-config")
    return (Ref(CONFIG_MAP, key.namespace, config_map_name),) if config_map_name else ()


def read(observed: Observed, kepler: Kepler) -> Additions | Outcome:
    """Return what the user's ConfigMap adds to the configuration, or a rejection of the ConfigMap."""
    config_map_name = kepler.spec.collector.additional_config
    if not config_map_name:
        return Additions({})
    config = observed.get(Ref(CONFIG_MAP, observed.key.namespace, config_map_name))
    text = ((config or {}).get("data") or {}).get(kepler_v011.CONFIG_FILE)
    source = f"`collector.additional-config` names ConfigMap '{config_map_name}', and"
    after = f"then run `{resync(observed.key)}`"
    if config is None or text is None:
        lacks = (
            "there is none in this namespace"
            if config is None
            else f"it has no key '{kepler_v011.CONFIG_FILE}' in its `data`"
        )
        return rejected("ConfigurationNotFound", f"{source} {lacks}: create it, {after}")
    added = additions(text)
    if added.problem:
        return rejected(
            "ConfigurationInvalid", f"{source} its key '{kepler_v011.CONFIG_FILE}' {added.problem}: change it, {after}"
        )
    return added


def additions(text: str) -> Additions:
    """Return what a user's `config.yaml` says. Never raises: `problem` is a sentence about what is wrong with it."""
    if len(text.encode()) > LIMIT:
        return Additions({}, problem=f"is larger than {LIMIT // 1024} KiB")
    try:
        content = yaml.load(text, _NoAliases)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Additions({}, problem=f"is not YAML that can be read: {' '.join(str(error).split())[:300]}")
    if content is not None and not isinstance(content, dict):
        return Additions({}, problem="is not a map of keys such as `monitor`")
    leaves = [*_leaves(content or {})]
    unknown = tuple(sorted({path for path, _ in leaves if not any(_within(known, path) for known in KEYS)}))
    return Additions(content or {}, unknown, _forbidden(leaves) or _invalid(leaves))


def _forbidden(leaves: Sequence[tuple[str, Any]]) -> str:
    """Return a sentence if a key is set that may not be set here; empty if none is."""
    written = [leaf for leaf, value in leaves if value != {}]
    if owned := sorted(path for path in OWNED if any(_within(path, leaf) for leaf in written)):
        owned_keys = ", ".join(f"`{path}`" for path in owned)
        return f"sets {owned_keys}, which follows from the Kepler and cannot be set here"
    return f"turns `{FAKE_METER}` on, with which power is made up" if (FAKE_METER, True) in leaves else ""


def _invalid(leaves: Sequence[tuple[str, Any]]) -> str:
    """Return a sentence about the first value at which Kepler would exit; empty if there is none."""
    return next((why for path, value in leaves if (why := invalid(path, value))), "")


def _leaves(content: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value that is not a map, by its dotted path; an empty map is a value."""
    for name, value in content.items():
        # A dot within a key is no path: Kepler knows no such key.
        path = f"{above}{json.dumps(str(name)) if '.' in str(name) else name}"
        if isinstance(value, dict) and value and path not in KEYS:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def _within(path: str, leaf: str) -> bool:
    """Return whether a key is at this path or below it, or above it: a map replaced by another value."""
    return path == leaf or leaf.startswith(f"{path}.") or path.startswith(f"{leaf}.")


class _NoAliases(yaml.SafeLoader):
    """Reads YAML without aliases, whose expansion has no bound."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node. Raises YAMLError at an alias."""
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases ('*name') are not supported")
        return super().compose_node(parent, index)
