"""What is told in confidence is in no report and in no line of the log, and what differed still differs."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crds.kepler import Kepler
from runtime import redact
from runtime.credentials import CHANGED, HIDDEN
from runtime.logs import RedactingFormatter

ENV = "spec.template.spec.containers[name=kepler].env[name=X].value"
NOTHING = redact.Mask()


@pytest.mark.parametrize(
    ("kind", "path", "value", "shown"),
    [
        ("DaemonSet", ENV, "hunter22", HIDDEN),
        ("DaemonSet", ENV, "", ""),
        ("DaemonSet", ENV.replace(".value", ""), {"name": "X", "value": "a"}, {"name": "X", "value": HIDDEN}),
        (
            "DaemonSet",
            "spec.template.spec.containers[name=kepler]",
            {"name": "kepler", "image": "i", "env": [{"name": "X", "value": "a"}, {"name": "Y", "valueFrom": {}}]},
            {"name": "kepler", "image": "i", "env": [{"name": "X", "value": HIDDEN}, {"name": "Y", "valueFrom": {}}]},
        ),
        (
            "DaemonSet",
            "spec.template.spec.containers[name=kepler].livenessProbe",
            {"httpGet": {"port": 1, "httpHeaders": [{"name": "Authorization", "value": "Basic eDp5"}]}},
            {"httpGet": {"port": 1, "httpHeaders": [{"name": "Authorization", "value": HIDDEN}]}},
        ),
        ("Secret", "data.anything", "eHl6", HIDDEN),
        ("Secret", "stringData", {"a": "b"}, {"a": HIDDEN}),
        ("Secret", "metadata.labels.a", "b", "b"),
        ("List", "items", [{"kind": "Secret", "data": {"a": "b"}}], [{"kind": "Secret", "data": {"a": HIDDEN}}]),
        ("ConfigMap", "data.PROM_HEADERS", "x:y", HIDDEN),
        ("ConfigMap", "data.DB_PASSWORD", "y", HIDDEN),
        ("ConfigMap", "data.api-token", 7, HIDDEN),
        ("ConfigMap", "data.settings", "a=b\npassword: s3cret\n", f"a=b\npassword: {HIDDEN}\n"),
        ("ConfigMap", "data.settings", '{"token": "s3cret", "a": 1}', f'{{"token": {HIDDEN}, "a": 1}}'),
        ("ConfigMap", "data.URL", "http://me:s3cret@host/x", f"http://{HIDDEN}@host/x"),
        ("ConfigMap", "data.URL", "http://host/x@sha256:abc", f"http://{HIDDEN}@sha256:abc"),
        ("ConfigMap", "data.URL", "http://host:80/x", "http://host:80/x"),
        ("Kepler", "spec.model-server.pipelines", ["https://me:s3cret@host/x"], [f"https://{HIDDEN}@host/x"]),
        ("Kepler", "spec.model-server.storage.external.credentials.secret", "kepler-s3", "kepler-s3"),
        ("Kepler", "spec.model-server.training.headers.secret", "headers", "headers"),
        ("Kepler", "spec.collector.image-pull-secrets", [{"name": "pull"}], [{"name": "pull"}]),
        (
            "Deployment",
            "spec.template.spec.containers[name=rclone].env[name=X]",
            {"name": "X", "valueFrom": {"secretKeyRef": {"name": "kepler-s3", "key": "accessSecret"}}},
            {"name": "X", "valueFrom": {"secretKeyRef": {"name": "kepler-s3", "key": "accessSecret"}}},
        ),
        ("Deployment", "spec.template.spec.volumes[name=v].secret.secretName", "kepler-s3", "kepler-s3"),
        ("Deployment", "spec.template.spec.automountServiceAccountToken", False, False),
        ("Deployment", "metadata.annotations.kubectl.kubernetes.io/last-applied-configuration", "{}", HIDDEN),
        (
            "DaemonSet",
            "spec.template.spec.containers[name=kepler].image",
            "repo/kepler@sha256:ab",
            "repo/kepler@sha256:ab",
        ),
    ],
)
def test_what_is_hidden_and_what_is_not(kind: str, path: str, value: Any, shown: Any) -> None:
    """Values of the environment, Secrets, credentials by their keys and in text; never a name."""
    assert NOTHING.change(path, None, value, kind=kind) == (None, shown)
    assert NOTHING.change(path, value, None, kind=kind) == (shown, None)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (ENV, "a", "b"),
        (ENV.replace(".value", ""), {"name": "X", "value": "a"}, {"name": "X", "value": "b"}),
        ("data.URL", "http://a:b@host", "http://a:c@host"),
        ("data.URLS", ["http://a:b@host"], ["http://a:c@host"]),
        ("spec.containers", [{"env": [{"name": "X", "value": "a"}]}], [{"env": [{"name": "X", "value": "b"}]}]),
    ],
)
def test_a_change_of_what_is_hidden_still_reads_as_one(path: str, before: Any, after: Any) -> None:
    """Where both sides are hidden."""
    shown = NOTHING.change(path, before, after)
    assert shown[0] != shown[1]
    assert CHANGED in json.dumps(shown[1])
    assert NOTHING.change(path, before, before)[0] == NOTHING.change(path, before, before)[1]


def test_only_what_changed_is_said_to_have() -> None:
    """Of two variables one; items are told apart by their names, wherever they are in the list."""
    before = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    after = [{"name": "B", "value": "2"}, {"name": "A", "value": "3"}]
    _, shown = NOTHING.change("spec.containers[name=x].env", before, after)
    assert shown == [{"name": "B", "value": HIDDEN}, {"name": "A", "value": CHANGED}]


def kepler(*values: str, **spec: Any) -> dict[str, Any]:
    """A Kepler with these values in its environment."""
    env = [{"name": f"X{number}", "value": value} for number, value in enumerate(values)]
    return {"kind": "Kepler", "metadata": {"name": "kepler-system"}, "spec": {"collector": {"env": env}, **spec}}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("`env` 'hunter22' is not known", f"`env` '{HIDDEN}' is not known"),
        ('Invalid value: "hunter22"', f'Invalid value: "{HIDDEN}"'),
        ("prefix-hunter22-suffix", f"prefix-{HIDDEN}-suffix"),
        ("the default models", "the default models"),
        ("'default' is not known", f"'{HIDDEN}' is not known"),
        ("Kepler 'kepler-system' is here", "Kepler 'kepler-system' is here"),
        ("`data.token`: Invalid value: 'x'", "`data.token`: Invalid value: 'x'"),
        ("cannot fetch http://me:s3cret@host/x", f"cannot fetch http://{HIDDEN}@host/x"),
        ("Authorization: Bearer abcdefgh", f"Authorization: {HIDDEN}"),
        ("sent 'bearer abcdefghij'", f"sent 'bearer {HIDDEN}'"),
        (
            "[type=int, input_value={'a': 'x, y'}, input_type=dict]",
            f"[type=int, input_value={HIDDEN}, input_type=dict]",
        ),
    ],
)
def test_sentences_repeat_no_secret(said: str, shown: str) -> None:
    """Of the object that they are about, or that shows itself; what that object says openly is none."""
    assert redact.mask(kepler("hunter22", "default", "kepler-system")).text(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "GET https://s3.x/m?X-Amz-Signature=abc&a=b#c=d now",
            "GET https://s3.x/m?X-Amz-Signature=(hidden)&a=(hidden)#c=(hidden) now",
        ),
        ("GET /models?sig=s3cret", "GET /models?sig=(hidden)"),
        ("is it? a=b & c=d", "is it? a=b & c=d"),
        ("sent eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s1gn-ature here", "sent (hidden) here"),
        ("AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE", "(hidden) and (hidden)"),
        ("ghp_abcdefghijklmnop0123 gho_abcdefghijklmnop0123", "(hidden) (hidden)"),
        ("github_pat_11AAAAAAA0abcdefghijkl_mnop", "(hidden)"),
        ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE-x\n-----END RSA PRIVATE KEY----- b", "a (hidden) b"),
        ("a -----BEGIN PRIVATE KEY-----\nMIIE", "a (hidden)"),
        ("-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN CERTIFICATE-----\nMIIE"),
        ("client_secret=s3cret&x=y", "client_secret=(hidden)&x=(hidden)"),
        ("client-key-data: LS0tLS1CRUdJTi", "client-key-data: (hidden)"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: (hidden)\nHost: x"),
        ("< set-cookie: sid=s3cret; Path=/", "< set-cookie: (hidden)"),
        ("Authorization: Digest username=x, response=y", "Authorization: (hidden)"),
        (r'{"password": "a\"b", "c": 1}', '{"password": (hidden), "c": 1}'),
        (r'{"password": "a\\", "c": 1}', '{"password": (hidden), "c": 1}'),
        (r'"{\"password\": \"a\\\"b\", \"c\": 1}"', r'"{\"password\": (hidden), \"c\": 1}"'),
        ('{"password": "without an end', '{"password": (hidden)'),
        ("password='it\\'s'", "password=(hidden)"),
        ("password=`x y`", "password=(hidden)"),
        ("token: b's3cret'", "token: (hidden)"),
        ("tokens: ['a', 'b'], c", "tokens: (hidden), c"),
        ("password: |\n  one\n  two\nnext: x", "password: (hidden)\nnext: x"),
        ("password=p,w;x, next", "password=(hidden), next"),
        ("password=p,user=me", "password=(hidden),user=me"),
        ("password: Forbidden-fruit", "password: (hidden)"),
        ("spec.token: Forbidden: may not be set", "spec.token: Forbidden: may not be set"),
        ("`external.credentials`: Secret 'kepler-s3' is", "`external.credentials`: Secret 'kepler-s3' is"),
        ("spec.token: Required value", "spec.token: Required value"),
        ("spec.token: Too long: may not be more than 3 bytes", "spec.token: Too long: may not be more than 3 bytes"),
        ("the image 'repo/kepler@sha256:ab' and :// alone", "the image 'repo/kepler@sha256:ab' and :// alone"),
    ],
)
def test_credentials_are_recognized_by_how_they_are_written(said: str, shown: str) -> None:
    """Query values of URLs, tokens of known shape, private keys, headers, values in quotes within quotes."""
    assert redact.text(said) == shown


def test_a_secret_is_hidden_however_it_is_repeated() -> None:
    """Without the spaces around it, as a string of JSON, and in part, where the repetition is cut."""
    long = "-".join(f"{number:04}" for number in range(40))
    known = redact.mask(kepler('say "s3cret"\n', long))
    assert known.text('got say "s3cret" there') == f"got {HIDDEN} there"
    assert known.text(r'got "say \"s3cret\"\n" there') == f'got "{HIDDEN}" there'
    assert known.text(f"got {long[:100]}... there") == f"got {HIDDEN}... there"
    assert known.text(f"got {long[:20]}... there") == f"got {long[:20]}... there"


def test_everything_below_a_confidential_field_is_confidential() -> None:
    """Also where the value of a variable is an object, which no API server would allow: events may be forged."""
    shown = redact.manifest({"env": [{"name": "X", "value": {"a": ["s3cret"]}}], "k" * 600: "s3cret"})
    assert "s3cret" not in json.dumps(shown)


words = st.text(st.characters(categories=["L", "N"]), min_size=8, max_size=16).map(lambda text: f"s3{text}")


@given(secret=words)
def test_an_object_is_shown_without_its_secrets(secret: str) -> None:
    """Wherever they are repeated in it; its names remain."""
    whole = kepler(
        secret,
        **{
            "model-server": {
                "pipelines": [f"https://me:{secret}@host/x", f"see {secret}"],
                "storage": {"external": {"credentials": {"secret": "kepler-s3"}}},
            }
        },
    )
    shown = json.dumps(redact.manifest(whole), ensure_ascii=False)
    assert secret not in shown
    assert "kepler-s3" in shown
    assert Kepler.model_validate({**redact.manifest(whole), "apiVersion": "sustainable-computing.io/v1alpha1"})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(whole=values, other=values, path=st.text(max_size=20), kind=st.sampled_from(["Secret", "ConfigMap", ""]))
def test_nothing_whatever_is_a_defect(whole: Any, other: Any, path: str, kind: str) -> None:
    """Objects in events may be forged."""
    NOTHING.change(path, whole, other, kind=kind)
    if isinstance(whole, dict):
        redact.mask(whole).text("x")
        redact.manifest(whole)


def test_a_spec_is_read_alone() -> None:
    """Of one of our resources: hidden in it is what its own fields say in confidence."""
    whole = {**kepler("hunter22", note="is hunter22"), "status": {"x": "y"}}
    shown = redact.spec(whole)
    assert shown == {"collector": {"env": [{"name": "X0", "value": HIDDEN}]}, "note": f"is {HIDDEN}"}
    assert redact.spec({}) == {}


def test_no_line_of_the_log_has_a_credential() -> None:
    """Whoever wrote it, and in whichever field."""
    record = logging.LogRecord("x", logging.INFO, "x", 1, "GET http://me:s3cret@host", (), None)
    record.__dict__["why"] = {"told": ["password=s3cret"], "error": ValueError("token=s3cret")}
    line = RedactingFormatter("{message}", style="{").format(record)
    assert "s3cret" not in line
    assert json.loads(line)["message"] == f"GET http://{HIDDEN}@host"
