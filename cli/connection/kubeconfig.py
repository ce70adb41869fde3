"""Reads the kubeconfig as kubectl does: merges several files, and chooses one context. It connects to nothing.

The client library differs where it matters: it takes the current context of the last file, runs plugins in the folder
of the file, ignores `as`, and sends requests as anonymous if a plugin fails. The rules are those of k8s.io/client-go
v0.35, tools/clientcmd: loader.go, client_config.go, validation.go.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cli.command_errors import Unreachable
from cli.manifest_files.kubectl_yaml import documents

VARIABLE = "KUBECONFIG"
DEFAULT = "~/.kube/config"
# Section -> the key of an entry's content beside its name.
SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
# Fields that are paths, relative to the file that they stand in.
PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")

EMPTY = (None, "")

Fields = Mapping[str, Any]


@dataclass
class Merged:
    """All files merged; the first of several entries with one name counts, and the first current context."""

    current: str = ""
    entries: dict[str, dict[str, Fields]] = field(default_factory=lambda: {section: {} for section in SECTIONS})

    def add(self, document: Fields, folder: Path) -> None:
        """Add the entries of a file that no file before it has.

        Raises AttributeError, KeyError or TypeError if it has another form.
        """
        self.current = self.current or str(document.get("current-context") or "")
        for section, kind in SECTIONS.items():
            for entry in document.get(section) or ():
                self.entries[section].setdefault(entry["name"], _absolute(entry.get(kind) or {}, folder))


@dataclass(frozen=True)
class ChosenContext:
    """One context: its cluster and user, as the files have them with absolute paths, and its namespace, if any."""

    cluster_name: str
    cluster: Fields
    user_name: str
    user: Fields
    namespace: str


def files(kubeconfig: str, environment: Mapping[str, str]) -> list[str]:
    """Return the files that count: the one that is named, else those of KUBECONFIG, else the default."""
    if kubeconfig:
        return [kubeconfig]
    named = [path for path in environment.get(VARIABLE, "").split(os.pathsep) if path]
    return list(dict.fromkeys(named)) or [DEFAULT]


def choose(kubeconfig: str, context: str, environment: Mapping[str, str]) -> ChosenContext | None:
    """Return the named context, or else the current one; None if no file has any content.

    Raises Unreachable; its message quotes no file.
    """
    paths = files(kubeconfig, environment)
    merged, has_context = Merged(), False
    for path in paths:
        for document in _documents(path, required=bool(kubeconfig)):
            has_context = True
            try:
                merged.add(document, Path(path).expanduser().absolute().parent)
            except (AttributeError, KeyError, TypeError) as wrong:
                raise malformed(path, wrong) from None
    return _chosen(merged, context, os.pathsep.join(paths)) if has_context or context else None


def malformed(path: str, wrong: Exception) -> Unreachable:
    """Return the error for a file that has another form than a kubeconfig."""
    return Unreachable(f"kubeconfig '{path}' is malformed ({type(wrong).__name__}): `kubectl config view` says where")


def _documents(path: str, *, required: bool) -> Iterator[Fields]:
    """Yield the content of a file; nothing if it is empty, or if it does not exist and is not required."""
    try:
        text = Path(path).expanduser().read_text()
        content = next(iter(documents(text)), None)
    except FileNotFoundError:
        if required:
            raise Unreachable(f"kubeconfig '{path}' does not exist: name another by --kubeconfig") from None
        return
    except OSError as unreadable:
        raise Unreachable(f"kubeconfig '{path}' cannot be read: {unreadable.strerror}") from None
    except (yaml.YAMLError, ValueError) as wrong:  # their messages may quote the file
        raise malformed(path, wrong) from None
    if content is not None:
        yield content


def _chosen(merged: Merged, context: str, where: str) -> ChosenContext:
    name = context or merged.current
    chosen = merged.entries["contexts"].get(name)
    if chosen is None:
        if name:
            sentence = f"has no usable context '{name}': `kubectl config get-contexts` lists them"
        else:
            sentence = "names no cluster to talk to: choose one by --kubeconfig or KUBECONFIG, or log in"
        raise Unreachable(f"kubeconfig '{where}' {sentence}")
    cluster, user = str(chosen.get("cluster") or ""), str(chosen.get("user") or "")
    for section, entry in (("clusters", cluster), ("users", user)):
        if entry not in merged.entries[section] and (entry or section == "clusters"):
            kind = SECTIONS[section]
            raise Unreachable(
                f"kubeconfig '{where}' has no usable context '{name}': its {kind} '{entry}' is not there; "
                "`kubectl config view` shows what is"
            )
    return ChosenContext(
        cluster,
        merged.entries["clusters"][cluster],
        user,
        merged.entries["users"].get(user, {}),
        str(chosen.get("namespace") or ""),
    )


def _absolute(entry: Fields, folder: Path) -> Fields:
    """Return an entry without empty fields, with absolute paths; a command without '/' is looked for on the PATH."""
    given = {name: value for name, value in entry.items() if value not in EMPTY}
    absolute: dict[str, Any] = {name: str(folder / value) if name in PATHS else value for name, value in given.items()}
    plugin = absolute.get("exec")
    if plugin and os.sep in str(plugin.get("command", "")):
        absolute["exec"] = {**plugin, "command": str(folder / plugin["command"])}
    return absolute
