"""CEL rules for the containers that `collector` and `model_server` write, derived from how they are rendered.

In each expression `c` is the container. `old` is a list with its previous version, if there was one: parts that
somebody has added to it may stay.
"""

import json
from collections.abc import Iterable
from typing import Any

from crds.environment import KEPLERS, PROXIES
from crds.kepler import Kepler
from crds.model_server_fields import CertificateAuthority, Credentials, External, Storage, StorageType
from operands import exporter, exporter_v011, kepler_v011, kepler_v07, model_pod, model_store, repositories, sidecar

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
_ASKING_V011 = Kepler.model_validate(
    {
        **_METADATA,
        "spec": {"collector": {"release": "v0.11", "redfish": {"secret": "s"}, "web-config": {"secret": "s"}}},
    }
)
_NO_PROBES = "[c.?startupProbe, c.?readinessProbe, c.?livenessProbe].all(p, !p.hasValue() || !has(p.value().exec))"


def nothing_new() -> str:
    """Return the rule that a container gets no host ports, and no lifecycle hooks or `envFrom` that it did not have."""
    had = "old.exists(k, has(k.{field}) && k.{field} == c.{field})"
    kept = [f"(!has(c.{field}) || {had.format(field=field)})" for field in ("lifecycle", "envFrom")]
    return " && ".join([*kept, "c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)"])


def any_exporter() -> str:
    """Return the rule for an exporter of one line or the other."""
    return f"({exporters()}) || ({exporters_v011()})"


def exporters_v011() -> str:
    """Return the rule for an exporter of v0.11: its command and arguments, one capability, and no other mounts."""
    inputs = exporter_v011.PodInputsV011(kepler_v07.IMAGE_V011, "", gpu=True)
    rendered = exporter_v011.container(_ASKING_V011, inputs)
    path = f"e.?value.orValue('') == '{kepler_v011.DRIVER_LIBRARIES}'"
    library = f"(e.name == '{kepler_v011.LIBRARY_PATH}' && {path})"
    variables = _variables(KEPLERS, exporter_v011.environment(gpu=False))
    context = "c.?securityContext"
    return " && ".join(
        [
            f"c.?command.orValue([]) == {json.dumps(rendered['command'])}",
            f"c.?args.orValue([]) == {json.dumps(rendered['args'])}",
            variables.replace("e.name in", f"{library} || e.name in", 1),
            _mounts(rendered),
            f"!{context}.?privileged.orValue(false) && !{context}.?allowPrivilegeEscalation.orValue(true)",
            f"{context}.?capabilities.?add.orValue([]).all(a, a in {json.dumps([kepler_v011.CAPABILITY])})",
            _NO_PROBES,
        ]
    )


def exporters() -> str:
    """Return the rule for the exporter: its command, its flags, variables that Kepler reads, and its node's name."""
    rendered = sidecar.with_estimator(
        exporter.pod(_ASKING, exporter.PodInputs(kepler_v07.IMAGE, {}, "")), _ASKING, kepler_v07.MODEL_SERVER_IMAGE
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
    """Return the rule for the estimator: its program, proxies, no privileges, and no exporter volume but the socket."""
    rendered = sidecar.container(
        _ASKING, kepler_v07.MODEL_SERVER_IMAGE, {"name": sidecar.SOCKET_VOLUME, "mountPath": "/x"}
    )
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


def program() -> str:
    """Return the rule for the model server: the program that starts it, which is all in its arguments."""
    rendered = model_pod.container(_PLAIN, kepler_v07.MODEL_SERVER_IMAGE)
    rules = ["!has(c.command)", f"c.?args.orValue([]) == {json.dumps(rendered['args'])}", _variables(PROXIES)]
    return " && ".join([*rules, _mounts(rendered), _unprivileged(), _NO_PROBES])


def copy() -> str:
    """Return the rule for rclone: it copies one place to another, and nothing else."""
    options = json.dumps(model_store.copy("", "")[3:])
    named = [variable["name"] for variable in model_store.environment(_STORE)]
    return " && ".join(
        [
            f"c.?command.orValue([]) == {json.dumps(model_store.COMMAND)}",
            f"c.args.size() == 5 && c.args[0] == 'copy' && [c.args[3], c.args[4]] == {options}",
            _variables([*named, *PROXIES]),
            _mounts({"volumeMounts": model_store.copy_mounts(Storage(type=StorageType.EXTERNAL, external=_STORE))}),
            _unprivileged(),
            _NO_PROBES,
        ]
    )


def _variables(names: Iterable[str], rendered: Iterable[Object] = ()) -> str:
    """Return the rule that variables have these names, come from the rendered sources, or were there before."""
    fields = {variable["name"]: variable["valueFrom"]["fieldRef"]["fieldPath"] for variable in rendered}
    path = "e.?valueFrom.?fieldRef.?fieldPath.orValue('')"
    ours = [f"(e.name == '{name}' && {path} == '{field}')" for name, field in fields.items()]
    known = " || ".join([f"e.name in {json.dumps(list(names))}", *ours, "old.exists(k, e in k.?env.orValue([]))"])
    return f"c.?env.orValue([]).all(e, {known})"


def _mounts(rendered: Object) -> str:
    """Return the rule that a container mounts only the volumes that are rendered into it, or that it had before."""
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
    """Return a CEL expression that applies `operands.repositories.repository` to each item of a list."""
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
