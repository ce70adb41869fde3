"""The configuration in the pod template: as settled, whole, and readable by the kubelet's rules."""

import re

from functions import collector
from operands import cfm, children, settled_config
from tests.pure.test_exporter import config, decide, intent, observed, parent


def template(**data: str) -> tuple[dict[str, str], dict[str, str]]:
    """Annotations of the pod template, and the field that each file of the volume comes from."""
    template = intent(decide(parent(), **data), children.daemon_set)["spec"]["template"]
    volume = next(volume for volume in template["spec"]["volumes"] if volume["name"] == settled_config.VOLUME)
    fields = {item["path"]: item["fieldRef"]["fieldPath"] for item in volume["downwardAPI"]["items"]}
    return template["metadata"]["annotations"], fields


def test_pods_carry_every_key_as_it_was_settled() -> None:
    """Those of all functions and of the user, each from an annotation of the very template."""
    annotations, fields = template(MAX_LOOKUP_RETRY="9")
    assert set(fields) == {*config()["data"], *(key.value for key in collector_keys()), "MAX_LOOKUP_RETRY"}
    for path, field in fields.items():
        name = re.fullmatch(r"metadata\.annotations\['(.+)'\]", field)
        assert name is not None
        assert name[1] in annotations, path
    assert annotations[f"{settled_config.PREFIX}MAX_LOOKUP_RETRY"] == "9"
    assert annotations[f"{settled_config.PREFIX}BIND_ADDRESS"] == ":9102"


def collector_keys() -> frozenset[cfm.Key]:
    """The keys of the collector itself."""
    return collector.KEYS


def test_a_key_that_no_annotation_can_have_as_its_name_keeps_its_file() -> None:
    """A ConfigMap's key may have 253 characters, and begin and end with any of them."""
    odd = {"." + "a" * 10: "1", "B" * 200: "2", "_x_": "3"}
    annotations, fields = template(**odd)
    for key, value in odd.items():
        name = fields[key].split("'")[1]
        assert settled_config.NAME.fullmatch(name.removeprefix(settled_config.PREFIX))
        assert annotations[name] == value


def test_a_configuration_that_pods_cannot_carry_is_refused_by_its_largest_key() -> None:
    """Nothing is written: the exporter that runs is left as it is."""
    outcome = collector.desired(observed(parent(), config(None, None, SMALL="1", LARGE="x" * settled_config.LIMIT)))
    assert (outcome.reason, outcome.intents) == ("ConfigurationTooLarge", ())
    assert "key 'LARGE'" in outcome.message
