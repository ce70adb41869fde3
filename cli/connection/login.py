"""Authenticates to the API server as kubectl does: token, certificate or plugin, and impersonation.

An error is one line that names the field or the file, and never its content. If a credential cannot be read, no request
is made as anonymous.
"""

import base64
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.exec_provider import ExecProvider
from kubernetes.config.kube_config import ConfigNode, load_kube_config_from_dict

from cli.command_errors import Unreachable
from cli.connection.kubeconfig import ChosenContext, Fields
from runtime.credentials import hidden

# Go resolves names at a SOCKS proxy, which urllib3 calls 'socks5h'.
PROXIES = {"http": "http", "https": "https", "socks5": "socks5h", "socks5h": "socks5h"}
PAIR = ("client-certificate", "client-key")


@dataclass(frozen=True)
class Impersonation:
    """The user on whose behalf requests are made; empty for the user's own. Flags override the kubeconfig."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    def over(self, user: Fields) -> "Impersonation":
        """Return this, completed from the fields of a user in the kubeconfig."""
        extra = tuple((key, value) for key, values in (user.get("as-user-extra") or {}).items() for value in values)
        return replace(
            self,
            user=self.user or str(user.get("as") or ""),
            groups=self.groups or tuple(user.get("as-groups") or ()),
            uid=self.uid or str(user.get("as-uid") or ""),
            extra=extra,
        )

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield the headers of a request, one for each value. Raises Unreachable for a group or uid without a user."""
        if not self.user:
            if self.groups or self.uid or self.extra:
                raise Unreachable("a group or uid is impersonated without a user: add --as, or `as` to the kubeconfig")
            return
        yield "Impersonate-User", self.user
        yield from (("Impersonate-Group", group) for group in self.groups)
        if self.uid:
            yield "Impersonate-Uid", self.uid
        yield from ((f"Impersonate-Extra-{quote(key.lower(), safe='')}", value) for key, value in self.extra)

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the flags with which kubectl impersonates the same user."""
        given = (("--as", self.user), *(("--as-group", group) for group in self.groups), ("--as-uid", self.uid))
        return tuple(f"{flag}={value}" for flag, value in given if value)


def configured(context: ChosenContext) -> Configuration:
    """Return the client's configuration for a context. Raises Unreachable if a credential cannot be read."""
    cluster, user = _cluster(context), _user(context)
    document = {
        "current-context": "chosen",
        "contexts": [{"name": "chosen", "context": {"cluster": "chosen", "user": "chosen"}}],
        "clusters": [{"name": "chosen", "cluster": cluster}],
        "users": [{"name": "chosen", "user": user}],
    }
    made = Configuration()
    try:
        load_kube_config_from_dict(document, client_configuration=made, persist_config=False)
    except ConfigException as wrong:
        raise Unreachable(f"the kubeconfig cannot be used: {hidden(str(wrong))}") from None
    _fits(made, context.user_name)
    return made


def _cluster(context: ChosenContext) -> Fields:
    """Return the cluster's fields. Raises Unreachable if they are invalid."""
    cluster, called = context.cluster, f"cluster '{context.cluster_name}' of the kubeconfig"
    if not cluster.get("server"):
        raise Unreachable(f"{called} has no `server`: `kubectl config set-cluster` sets it")
    authority = cluster.get("certificate-authority-data") or cluster.get("certificate-authority")
    if authority and cluster.get("insecure-skip-tls-verify"):
        raise Unreachable(f"{called} has `insecure-skip-tls-verify` and a certificate authority: remove one of them")
    _readable(cluster, ("certificate-authority",), called)
    proxy = str(cluster.get("proxy-url") or "")
    scheme = urlsplit(proxy).scheme
    if proxy and scheme not in PROXIES:
        raise Unreachable(f"{called} has a `proxy-url` with scheme '{scheme}': it must be http, https or socks5")
    return {**cluster, "proxy-url": proxy.replace(scheme, PROXIES[scheme], 1)} if proxy else cluster


def _user(context: ChosenContext) -> Fields:
    """Return the user's fields, with the token that the token file or the plugin gives.

    Raises Unreachable if they are invalid, TypeError for a token that is not text.
    """
    user, called = context.user, f"user '{context.user_name}' of the kubeconfig"
    if (user.get("token") or user.get("tokenFile")) and (user.get("username") or user.get("password")):
        raise Unreachable(f"{called} has a token and a password: only one way to log in is allowed")
    if _given(user, PAIR[0]) and not _given(user, PAIR[1]):
        raise Unreachable(f"{called} has `{PAIR[0]}` and no `{PAIR[1]}`: a certificate needs its key")
    _readable(user, PAIR, called)
    if user.get("token") is not None and not isinstance(user["token"], str):
        raise TypeError("`token` is no text")
    resolved = {name: value for name, value in user.items() if name not in {"tokenFile", "exec"}}
    if file := user.get("tokenFile"):
        return {**resolved, "token": _token(Path(file), called)}
    if user.get("exec") and not user.get("token"):
        return {**resolved, **_plugin(context, called)}
    return resolved


def _token(file: Path, called: str) -> str:
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        why = unreadable.strerror if isinstance(unreadable, OSError) else "it is no text"
        raise Unreachable(f"{called}: `tokenFile` '{file}' cannot be read: {why}") from None
    if not token:
        raise Unreachable(f"{called}: `tokenFile` '{file}' is empty")
    return token


def _plugin(context: ChosenContext, called: str) -> Mapping[str, str]:
    """Return the credentials that the plugin gives (client.authentication.k8s.io, ExecCredential)."""
    plugin = context.user["exec"]
    command = str(plugin.get("command") or "")
    try:
        provider = ExecProvider(ConfigNode("exec", plugin), "", ConfigNode("cluster", dict(context.cluster)))
        status = provider.run()
    except FileNotFoundError:
        hint = " ".join(str(plugin.get("installHint") or "install it, or write its path").split())
        raise Unreachable(f"{called}: the plugin '{command}' is not there: {hint}") from None
    except (ConfigException, OSError) as failed:
        why = " ".join(hidden(str(failed)).split())
        raise Unreachable(f"{called}: the plugin '{command}' gave no credentials ({why}): log in again") from None
    given = {"token": status.get("token"), **_certificate(status)}
    if not any(given.values()):
        raise Unreachable(f"{called}: the plugin '{command}' answered without a token or a certificate with its key")
    return {name: value for name, value in given.items() if value}


def _certificate(status: Mapping[str, Any]) -> dict[str, str]:
    """Return the certificate and the key of a plugin's answer, as a kubeconfig holds them."""
    given = (status.get("clientCertificateData"), status.get("clientKeyData"))
    if not all(given):
        return {}
    return {f"{name}-data": base64.b64encode(str(pem).encode()).decode() for name, pem in zip(PAIR, given, strict=True)}


def _given(fields: Fields, name: str) -> bool:
    return bool(fields.get(name) or fields.get(f"{name}-data"))


def _readable(fields: Fields, names: tuple[str, ...], called: str) -> None:
    """Raise Unreachable if the data of one of these fields is not base64, or its file cannot be read."""
    for name in names:
        data, file = fields.get(f"{name}-data"), fields.get(name)
        try:
            if data:
                base64.b64decode("".join(str(data).split()), validate=True)
            elif file:
                Path(file).read_bytes()
        except ValueError:
            raise Unreachable(f"{called}: `{name}-data` is no base64") from None
        except OSError as unreadable:
            raise Unreachable(f"{called}: `{name}` '{file}' cannot be read: {unreadable.strerror}") from None


def _fits(made: Configuration, user: str) -> None:
    """Raise Unreachable if the authority or the certificate is invalid, or the key belongs to another certificate."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if made.ssl_ca_cert:
            context.load_verify_locations(made.ssl_ca_cert)
    except (ssl.SSLError, ValueError):
        raise Unreachable("the certificate authority of the kubeconfig's cluster is no certificate (PEM)") from None
    try:
        if made.cert_file:
            context.load_cert_chain(made.cert_file, made.key_file)
    except (ssl.SSLError, ValueError):
        raise Unreachable(
            f"certificate and key of user '{user}' of the kubeconfig do not fit together, or are none (PEM)"
        ) from None
