"""What a container that `collector` or `model_server` writes may be, in CEL: derived from how it is rendered.

In each expression `c` is the container, and `old` a list that has it as it was before, if it was there: what somebody
has added to it stays.
"""

import json
from collections.abc import Iterable
from typing import Any

from crds.environment import KEPLERS, PROXIES
from crds.kepler import Kepler
from crds.model_server_fields import CertificateAuthority, Credentials, External, Storage, StorageType
from operands import engine, exporter, model_pod, model_store, repositories, sidecar

Object = dict[str, Any]

_STORE = External(
    endpoint="https://s3",
    region="r",
    bucket="kepler",
    credentials=Credentials(secret="s"),
    ca=CertificateAuthority(config_map="ca"),
)
_METADATA = {"metadata": {"name": "kepler", "namespace": "kepler"}}
_PLAIN = Kepler.model_validate(_METADATA)
_ASKING = Kepler.model_validate(
    {**_METADATA, "spec": {"collector": {"redfish": {"secret": "s"}, "machine-spec": "m5"}}}
)
_NO_PROBES = "[c.?startupProbe, c.?readinessProbe, c.?livenessProbe].all(p, !p.hasValue() || !has(p.value().exec))"


def nothing_new() -> str:
    """Return the rule that a container gets no lifecycle hooks, `envFrom` or host ports that it did not have before."""
    had = "old.exists(k, has(k.{field}) && k.{field} == c.{field})"
    kept = [f"(!has(c.{field}) || {had.format(field=field)})" for field in ("lifecycle", "envFrom")]
    return " && ".join([*kept, "c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)"])


def exporters() -> str:
    """The exporter: its command, its flags, variables that Kepler reads, and its node by the downward API."""
    rendered = sidecar.with_estimator(
        exporter.pod(_ASKING, exporter.PodInputs(engine.IMAGE, {}, "")), _ASKING, engine.MODEL_SERVER_IMAGE
    )["containers"][0]
    flags = json.dumps([f"{argument.partition('=')[0]}=" for argument in rendered["args"]])
    return " && ".join(
        [
            f"c.?command.orValue([]) == {json.dumps(rendered['command'])}",
            f"c.?args.orValue([]).all(a, {flags}.exists(f, a.startsWith(f)))",
            _variables(KEPLERS, exporter.environment(_PLAIN)),
            _mounts(rendered),
            _NO_PROBES,
        ]
    )


def estimators() -> str:
    """The estimator: its program, proxies, no privileges, and no volumes of the exporter's but the socket."""
    rendered = sidecar.container(_ASKING, engine.MODEL_SERVER_IMAGE, {"name": sidecar.SOCKET_VOLUME, "mountPath": "/x"})
    started = json.dumps(rendered["startupProbe"]["exec"]["command"])
    return " && ".join(
        [
            "!has(c.command)",
            f"c.?args.orValue([]) == {json.dumps(rendered['args'])}",
            _variables(PROXIES),
            _mounts(rendered),
            _unprivileged(),
            f"c.?startupProbe.?exec.?command.orValue({started}) == {started}",
            "!has(c.readinessProbe) && !has(c.livenessProbe)",
        ]
    )


def program(name: str) -> str:
    """A program of the model server's image, whose entrypoint takes an argument for a script."""
    rendered = model_pod.container(name, name, _PLAIN, engine.MODEL_SERVER_IMAGE)
    rules = ["!has(c.command)", f"c.?args.orValue([]) == {json.dumps(rendered['args'])}", _variables(PROXIES)]
    return " && ".join([*rules, _mounts(rendered), _unprivileged(), _NO_PROBES])


def copy() -> str:
    """rclone, once or again and again: it copies one place to another, and nothing else."""
    repeated = ["sh", "-c", model_store.AGAIN_AND_AGAIN, "push", None, "rclone"]
    steps = [f"c.command[{place}] == {json.dumps(word)}" for place, word in enumerate(repeated) if word]
    pause = f"c.command[{repeated.index(None)}].matches('^[0-9]+$')"
    options = json.dumps(model_store.copy("", "")[3:])
    named = [variable["name"] for variable in model_store.environment(_STORE)]
    return " && ".join(
        [
            f"has(c.command) && (c.command == ['rclone'] || c.command.size() == 6 && {' && '.join(steps)} && {pause})",
            f"c.args.size() == 5 && c.args[0] == 'copy' && [c.args[3], c.args[4]] == {options}",
            _variables([*named, *PROXIES]),
            _mounts({"volumeMounts": model_store.copy_mounts(Storage(type=StorageType.EXTERNAL, external=_STORE))}),
            _unprivileged(),
            _NO_PROBES,
        ]
    )


def _variables(names: Iterable[str], rendered: Iterable[Object] = ()) -> str:
    """Environment variables of these names, those that come from where they are rendered from, and what was there."""
    fields = {variable["name"]: variable["valueFrom"]["fieldRef"]["fieldPath"] for variable in rendered}
    path = "e.?valueFrom.?fieldRef.?fieldPath.orValue('')"
    ours = [f"(e.name == '{name}' && {path} == '{field}')" for name, field in fields.items()]
    known = " || ".join([f"e.name in {json.dumps(list(names))}", *ours, "old.exists(k, e in k.?env.orValue([]))"])
    return f"c.?env.orValue([]).all(e, {known})"


def _mounts(rendered: Object) -> str:
    """Mounts of the volumes that are rendered into a container, and those it had: no container has another's."""
    names = sorted({mount["name"] for mount in rendered["volumeMounts"]})
    kept = "old.exists(k, m in k.?volumeMounts.orValue([]))"
    return f"c.?volumeMounts.orValue([]).all(m, m.name in {json.dumps(names)} || {kept})"


def _unprivileged() -> str:
    context = "c.?securityContext"
    return (
        f"!{context}.?privileged.orValue(false) && {context}.?capabilities.?add.orValue([]) == [] && "
        f"!{context}.?allowPrivilegeEscalation.orValue(true)"
    )


def pulled_from(names: str) -> str:
    """`operands.repositories.repository`, of each item of a list, in CEL."""
    steps = (
        "i.split('@')[0]",
        "i.lastIndexOf(':') > i.lastIndexOf('/') ? i.substring(0, i.lastIndexOf(':')) : i",
        f"i.contains('/') && (i.split('/')[0].matches('[.:]') || i.startsWith('localhost/')) ? i "
        f": '{repositories.DOCKER}/' + i",
        f"i.startsWith('index.{repositories.DOCKER}/') ? i.substring(6) : i",
        f"i.startsWith('{repositories.DOCKER}/') && i.split('/').size() == 2 "
        f"? i.replace('/', '/{repositories.DOCKERS_OWN}/') : i",
    )
    return names + "".join(f".map(i, {step})" for step in steps)
