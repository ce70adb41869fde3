"""The values that the campaign makes from the schemas: every field has some, and those of the right kind."""

import pytest

from crds.collector_fields import ReleaseLine
from crds.core import Schema
from runtime.differences import ABSENT
from tests.campaign import rules
from tests.campaign.full_specs import put
from tests.campaign.values import (
    UserField,
    around,
    at,
    everywhere,
    everywhere_v011,
    generated,
    invalid,
    is_in_v011,
    valid,
)
from tests.campaign.words import names, quotes

EACH = pytest.mark.parametrize("place", everywhere(), ids=str)
# Needs meaning: nothing that the schema tells is a URL with a model, say, or the only value there is.
ONE_VALUE = frozenset({"Kepler:spec.estimator-sidecar.mnt-path"})


@EACH
def test_a_field_has_values_that_change_it_and_values_that_cannot_be(place: UserField) -> None:
    """A field of a new model has them by its schema alone, or else says here that it has none."""
    before = at(around(place)[place.kind], place.steps)
    changed = [value for value in valid(place) if value != before]
    assert changed
    assert generated(place) or place.known is None
    assert invalid(place)


def test_what_is_only_made_up_is_known() -> None:
    """Fields whose values all come from the schema: those that hold others, and the one that takes one value."""
    made_up = {
        str(field_case)
        for field_case in everywhere()
        if field_case.known and field_case.known.after not in valid(field_case)
    }
    assert made_up == ONE_VALUE


def field(path: str) -> UserField:
    """The field of a Kepler at this path."""
    return next(field_case for field_case in everywhere() if str(field_case) == f"Kepler:spec.{path}")


def test_a_field_of_the_exporter_is_driven_with_both_lines() -> None:
    """But for what tells the lines apart, and what v0.11 does not have; a name that begins as theirs do is driven."""
    driven = {place.path for place in (*everywhere(), *everywhere_v011()) if place.line is ReleaseLine.V0_11}
    exporter = {place.path for place in everywhere() if place.known and place.path.startswith("spec.collector.")}
    assert exporter - driven == {"spec.collector.release", "spec.collector.machine-spec"}
    assert {"spec.collector.image", "spec.collector.image-pull-secrets"} <= driven
    assert not is_in_v011("Kepler", "spec.model-server")
    assert not is_in_v011("Kepler", "spec.model-server.port")
    assert is_in_v011("Kepler", "spec.model-servers")


def test_an_image_is_of_the_line_that_it_is_driven_with() -> None:
    """Another line's would be refused, and show nothing."""
    images = {
        place.line: place.known.after for place in everywhere_v011() if place.path.endswith("image") if place.known
    }
    assert images == {ReleaseLine.V0_11: "quay.io/sustainable_computing_io/kepler:v0.11.3"}


def test_bounds_are_on_both_sides() -> None:
    """The last that is allowed and the first that is not."""
    port = field("collector.port")
    assert {1, 65535} <= {*valid(port)}
    assert {0, 65536} <= {value for value in invalid(port) if isinstance(value, int)}


def test_texts_are_sorted_by_the_rules() -> None:
    """As the patterns say, and as long as they may be."""
    image = field("collector.image")
    assert "a" * 255 in valid(image)
    assert "a" * 256 not in valid(image)
    assert {"", "A", "http://a"} <= {value for value in invalid(image) if isinstance(value, str)}


def test_a_rule_that_is_not_understood_says_nothing() -> None:
    """The API server knows."""
    node: Schema = {"type": "string", "x-kubernetes-validations": [{"rule": "self.lowerAscii() == self"}]}
    assert rules.holds(node, "A") is None


def test_a_value_is_put_where_its_path_leads_and_taken_out_again() -> None:
    """What is around it stays."""
    spec = put({"a": {"b": 1}}, ("a", "c"), 2)
    assert spec == {"a": {"b": 1, "c": 2}}
    assert put(spec, ("a", "c"), ABSENT) == {"a": {"b": 1}}


def test_a_message_names_a_field_by_its_whole_path_or_quotes_a_part_of_it() -> None:
    """What the API server says, and what a condition says."""
    assert names("spec.machine-spec[m5.metal].cores: Invalid value: 0", "spec.machine-spec.m5.metal.cores")
    assert not names("spec.collector.ports: unknown", "spec.collector.port")
    assert quotes("every model needs `counter` or `bpf`", "spec.sources.bpf.enabled")
    assert not quotes("turn `estimator-sidecar.enabled` on", "spec.sources.bpf.enabled")
    assert quotes("needs `external.credentials.secret`", "spec.model-server.storage.external.credentials")
    assert not quotes("needs `external.endpoint`", "spec.model-server.storage.external.credentials")
