"""Keys, certificates and kubeconfigs of one run. All are made anew at each start, and nothing else trusts them."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

CONTEXT = "kepler-local"
NAMESPACE = "kepler-system"
SERVICE_CLUSTER_IP = "10.96.0.1"
MASTERS = "system:masters"
LOCAL = ("127.0.0.1", SERVICE_CLUSTER_IP)


@dataclass(frozen=True)
class Pki:
    """The files for kube-apiserver and the controllers, and the users' tokens."""

    folder: Path
    admin_token: str
    # A further user -> its token.
    user_tokens: Mapping[str, str]

    @property
    def ca(self) -> Path:
        """Return the authority's certificate."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """Return the API server's certificate."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """Return the API server's key."""
        return self.folder / "server.key"

    @property
    def etcd_certificate(self) -> Path:
        """Return the certificate of etcd, which is also the API server's client certificate for etcd."""
        return self.folder / "etcd.crt"

    @property
    def etcd_key(self) -> Path:
        """Return the path of the key of `etcd_certificate`."""
        return self.folder / "etcd.key"

    @property
    def client_certificate(self) -> Path:
        """Return the certificate by which the API server is an administrator to a kubelet."""
        return self.folder / "client.crt"

    @property
    def client_key(self) -> Path:
        """Return the key of `client_certificate`."""
        return self.folder / "client.key"

    @property
    def account_key(self) -> Path:
        """Return the key that signs ServiceAccount tokens."""
        return self.folder / "sa.key"

    @property
    def account_public(self) -> Path:
        """Return the key that verifies ServiceAccount tokens."""
        return self.folder / "sa.pub"

    @property
    def tokens(self) -> Path:
        """Return the API server's token file."""
        return self.folder / "tokens.csv"

    def etcd_flags(self, prefix: str) -> tuple[str, ...]:
        """Return etcd's flags for its own certificate and for clients'; `prefix` is `--` or `--peer-`."""
        return (
            f"{prefix}cert-file={self.etcd_certificate}",
            f"{prefix}key-file={self.etcd_key}",
            f"{prefix}trusted-ca-file={self.ca}",
            f"{prefix}client-cert-auth=true",
        )

    @property
    def etcd_client_flags(self) -> tuple[str, ...]:
        """Return the API server's flags for authentication to etcd."""
        return (
            f"--etcd-cafile={self.ca}",
            f"--etcd-certfile={self.etcd_certificate}",
            f"--etcd-keyfile={self.etcd_key}",
        )

    @property
    def account_flags(self) -> tuple[str, ...]:
        """Return the API server's flags for issuing and verifying tokens of ServiceAccounts."""
        return (
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.account_public}",
            f"--service-account-signing-key-file={self.account_key}",
        )

    @property
    def serving_flags(self) -> tuple[str, ...]:
        """Return the flags for serving with the one certificate; without them each component would make its own."""
        return (
            f"--tls-cert-file={self.certificate}",
            f"--tls-private-key-file={self.key}",
            f"--cert-dir={self.folder}",
        )


def create(folder: Path, addresses: Sequence[str] = LOCAL, users: Mapping[str, str] = MappingProxyType({})) -> Pki:
    """Write a new authority, its certificates, an account key, and tokens for the administrator and for `users`.

    The certificates are for serving on `addresses`; `users` are names, each with its group.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pki = Pki(folder, secrets.token_urlsafe(32), {user: secrets.token_urlsafe(32) for user in users})
    authority = trustme.CA(organization_name=CONTEXT)
    authority.cert_pem.write_to_path(str(pki.ca))
    names = (*addresses, "localhost", "kubernetes.default.svc")
    _write(authority.issue_cert(*names, common_name="kube-apiserver"), pki.certificate, pki.key)
    # etcd serves with this certificate, and the API server uses it as its client certificate.
    _write(authority.issue_cert(*names, common_name="etcd"), pki.etcd_certificate, pki.etcd_key)
    master = authority.issue_cert(*names, common_name="kube-apiserver-kubelet-client", organization_name=MASTERS)
    _write(master, pki.client_certificate, pki.client_key)
    _write_account_key(pki)
    lines = [f'{pki.admin_token},admin,admin,"{MASTERS}"']
    lines += [f'{pki.user_tokens[user]},{user},{user},"{group}"' for user, group in users.items()]
    _private(pki.tokens, "".join(f"{line}\n" for line in lines).encode())
    return pki


def write_kubeconfig(  # noqa: PLR0913 - by name
    path: Path, *, server: str, ca: Path, token: str, user: str, context: str = CONTEXT
) -> None:
    """Write a self-contained kubeconfig: authority and token are in it, so only its owner can read the file."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": _base64(ca)}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user, "namespace": NAMESPACE}}],
        "current-context": context,
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _private(path, yaml.safe_dump(content, sort_keys=False).encode())


def _write(issued: trustme.LeafCert, certificate: Path, key: Path) -> None:
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    _private(key, issued.private_key_pem.bytes())


def _write_account_key(pki: Pki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    encoding = serialization.Encoding.PEM
    _private(
        pki.account_key, key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    pki.account_public.write_bytes(
        key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
