"""The embedded default on somebody's machine: a web page in a browser there, or another user, gets nowhere."""

import ssl

import pytest
import urllib3

from local.stack import Stack

RANGE = {"key": "AA==", "range_end": "AA=="}


def ask_etcd(stack: Stack, certificate: str | None = None, key: str | None = None) -> urllib3.BaseHTTPResponse:
    """What a page would ask: all keys there are, by etcd's JSON gateway."""
    trust = str(stack.keys.ca)
    pool = urllib3.PoolManager(ca_certs=trust, cert_file=certificate, key_file=key, retries=False, timeout=5)
    return pool.request("POST", f"https://127.0.0.1:{stack.ports.etcd}/v3/kv/range", json=RANGE)


def test_etcd_answers_nobody_without_the_certificate_of_this_run(control_plane: Stack) -> None:
    """It has no users: who reaches it can read every Secret, and write anything."""
    with pytest.raises(urllib3.exceptions.HTTPError):
        ask_etcd(control_plane)
    plain = f"http://127.0.0.1:{control_plane.ports.etcd}/v3/kv/range"
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("POST", plain, json=RANGE, retries=False, timeout=5)


def test_etcd_has_no_gateway_for_web_pages(control_plane: Stack) -> None:
    """Even who has the certificate finds nothing that speaks JSON."""
    keys = control_plane.keys
    assert ask_etcd(control_plane, str(keys.etcd_certificate), str(keys.etcd_key)).status == 404


def test_etcds_peers_are_asked_for_a_certificate_too(control_plane: Stack) -> None:
    """There are none, but the port is there."""
    context = ssl.create_default_context(cafile=str(control_plane.keys.ca))
    pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=5)
    with pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", f"https://127.0.0.1:{control_plane.ports.etcd_peer}/members")


def test_what_a_run_keeps_is_for_its_user_alone(control_plane: Stack) -> None:
    """Databases, logs, keys and kubeconfigs."""
    assert control_plane.layout.state.stat().st_mode & 0o077 == 0
    for path in (control_plane.keys.etcd_key, control_plane.keys.key, control_plane.admin):
        assert path.stat().st_mode & 0o077 == 0
