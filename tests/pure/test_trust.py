"""Which API servers are trusted: by the authority that the configuration names, as strictly as kubectl does."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from kubernetes.client.configuration import Configuration

from local import pki
from runtime import trust
from runtime.client import Request
from runtime.transport import through


class _Version(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
        """Says nothing."""


@contextmanager
def api_server(keys: pki.Pki) -> Iterator[str]:
    """Serve one answer over TLS."""
    with HTTPServer(("127.0.0.1", 0), _Version) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys.certificate, keys.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def configuration(host: str, authority: Path | None, *, verify: bool = True) -> Configuration:
    """Return a configuration as a kubeconfig gives it."""
    configured = Configuration()
    configured.host = host
    configured.ssl_ca_cert = str(authority) if authority else None
    configured.verify_ssl = verify
    return configured


def test_an_authority_without_key_identifiers_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of older clusters are. Python 3.13 alone would refuse it: 'Missing Authority Key Identifier'."""
    add = x509.CertificateBuilder.add_extension

    def add_others(
        builder: x509.CertificateBuilder, extension: x509.ExtensionType, *, critical: bool
    ) -> x509.CertificateBuilder:
        return (
            builder
            if isinstance(extension, x509.AuthorityKeyIdentifier)
            else add(builder, extension, critical=critical)
        )

    monkeypatch.setattr(x509.CertificateBuilder, "add_extension", add_others)
    keys = pki.create(tmp_path)
    with api_server(keys) as host:
        assert through(configuration(host, keys.ca), user_agent="test")(Request("GET", "/version")).status == 200


@pytest.mark.parametrize("named", [True, False], ids=["another authority", "the system's authorities"])
def test_another_authority_is_not_trusted(tmp_path: Path, *, named: bool) -> None:
    """Neither with another authority nor with the system's alone is there an answer."""
    keys, others = pki.create(tmp_path / "a"), pki.create(tmp_path / "b")
    with api_server(keys) as host:
        answer = through(configuration(host, others.ca if named else None), user_agent="test")(
            Request("GET", "/version")
        )
    assert answer.status == 0
    assert "CERTIFICATE_VERIFY_FAILED" in answer.body["message"]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_configuration_may_turn_verification_off(tmp_path: Path) -> None:
    """`insecure-skip-tls-verify` in a kubeconfig works as it does for kubectl."""
    keys = pki.create(tmp_path)
    with api_server(keys) as host:
        send = through(configuration(host, None, verify=False), user_agent="test")
        assert send(Request("GET", "/version")).status == 200


def test_chain_and_host_name_are_verified() -> None:
    """Only what RFC 5280 asks of an authority beyond that is not."""
    context = trust.api_server(configuration("https://127.0.0.1", None))
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
