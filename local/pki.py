"""Keys, certificates and kubeconfigs of one run. Everything is made anew at each start and trusted by nobody else."""

import base64
import datetime
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONTEXT = "kepler-local"
NAMESPACE = "kepler-system"
SERVICE_CLUSTER_IP = "10.96.0.1"
VALID = datetime.timedelta(days=365)
MASTERS = "system:masters"
LOCAL = ("127.0.0.1", SERVICE_CLUSTER_IP)


@dataclass(frozen=True)
class Pki:
    """The files kube-apiserver and the controllers are pointed to, and the users' tokens."""

    folder: Path
    admin_token: str
    # A further user -> its token.
    user_tokens: Mapping[str, str]

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The API server's certificate."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """The API server's key."""
        return self.folder / "server.key"

    @property
    def etcd_certificate(self) -> Path:
        """The certificate of etcd, and of the API server as its client."""
        return self.folder / "etcd.crt"

    @property
    def etcd_key(self) -> Path:
        """Its key."""
        return self.folder / "etcd.key"

    @property
    def client_certificate(self) -> Path:
        """The certificate by which the API server is an administrator to a kubelet."""
        return self.folder / "client.crt"

    @property
    def client_key(self) -> Path:
        """The key of `client_certificate`."""
        return self.folder / "client.key"

    @property
    def account_key(self) -> Path:
        """What ServiceAccount tokens are signed with."""
        return self.folder / "sa.key"

    @property
    def account_public(self) -> Path:
        """What ServiceAccount tokens are verified with."""
        return self.folder / "sa.pub"

    @property
    def tokens(self) -> Path:
        """The API server's token file."""
        return self.folder / "tokens.csv"

    def etcd_flags(self, prefix: str) -> tuple[str, ...]:
        """Return etcd's flags for its own certificate, and for asking others for one; `prefix` is `--` or `--peer-`."""
        return (
            f"{prefix}cert-file={self.etcd_certificate}",
            f"{prefix}key-file={self.etcd_key}",
            f"{prefix}trusted-ca-file={self.ca}",
            f"{prefix}client-cert-auth=true",
        )

    @property
    def etcd_client_flags(self) -> tuple[str, ...]:
        """The API server's flags for being known to etcd."""
        return (
            f"--etcd-cafile={self.ca}",
            f"--etcd-certfile={self.etcd_certificate}",
            f"--etcd-keyfile={self.etcd_key}",
        )

    @property
    def account_flags(self) -> tuple[str, ...]:
        """The API server's flags for issuing and checking tokens of ServiceAccounts."""
        return (
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.account_public}",
            f"--service-account-signing-key-file={self.account_key}",
        )

    @property
    def serving_flags(self) -> tuple[str, ...]:
        """The flags for serving by the one certificate, which saves each component the making of its own."""
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
    authority_key, server_key, etcd_key, client_key, account_key = (
        ec.generate_private_key(ec.SECP256R1()) for _ in range(5)
    )
    authority = _authority(authority_key)
    pki.ca.write_bytes(_pem(authority))
    server = _certificate(_name("kube-apiserver"), server_key, authority, authority_key, addresses)
    pki.certificate.write_bytes(_pem(server))
    _private(pki.key, _key_pem(server_key))
    client = ExtendedKeyUsageOID.CLIENT_AUTH
    # With the same certificate etcd serves, and the API server shows that it is the one who may ask.
    etcd = _certificate(_name("etcd"), etcd_key, authority, authority_key, addresses, client)
    pki.etcd_certificate.write_bytes(_pem(etcd))
    _private(pki.etcd_key, _key_pem(etcd_key))
    master = _name("kube-apiserver-kubelet-client", MASTERS)
    pki.client_certificate.write_bytes(
        _pem(_certificate(master, client_key, authority, authority_key, addresses, client))
    )
    _private(pki.client_key, _key_pem(client_key))
    _private(pki.account_key, _key_pem(account_key))
    lines = [f'{pki.admin_token},admin,admin,"{MASTERS}"']
    lines += [f'{pki.user_tokens[user]},{user},{user},"{group}"' for user, group in users.items()]
    _private(pki.tokens, "".join(f"{line}\n" for line in lines).encode())
    public = account_key.public_key()
    pki.account_public.write_bytes(
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return pki


def write_kubeconfig(  # noqa: PLR0913 - by name
    path: Path, *, server: str, ca: Path, token: str, user: str, context: str = CONTEXT
) -> None:
    """A kubeconfig that stands alone: authority and token are in it, so the file is readable by its owner only."""
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


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{CONTEXT}-ca")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _identified(_builder(name, name, key.public_key()), key, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _name(common_name: str, organization: str = "") -> x509.Name:
    """A user's name and, where it has one, its group, as the API server reads them from a certificate."""
    group = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*group, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    addresses: Sequence[str],
    *usages: x509.ObjectIdentifier,
) -> x509.Certificate:
    """A certificate for serving on `addresses`, and for further usages."""
    names: list[x509.GeneralName] = [
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        x509.DNSName("localhost"),
        x509.DNSName("kubernetes.default.svc"),
    ]
    return (
        _identified(_builder(name, authority.subject, key.public_key()), key, authority_key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, *usages]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
    )


def _identified(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """Add what Python 3.13 asks for (RFC 5280, 4.2.1.1 and 4.2.1.2): which key this is, and which one has signed it."""
    return builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
