"""The Keplers of the campaign in which every field is set: none is missing, and no function refuses any."""

from typing import Any

import pytest

from crds.collector_fields import ReleaseLine
from crds.model_server_fields import StorageType
from effects.field_cases import FIELDS, FieldCase, cluster
from effects.field_effects import paths
from effects.rendered_cluster import MODELS, run_functions
from events.outcome_words import Word
from runtime.differences import ABSENT
from tests.campaign.full_specs import LEFT_OUT, REFUSED, full_around, full_specs, put, steps_of
from tests.campaign.values import at

LINES = pytest.mark.parametrize("line", ReleaseLine)
ALL = [f"{kind}:{path}" for kind in MODELS for path in paths(kind, "spec")]


def value(specs: dict[str, Any], name: str) -> Any:
    """Return what the specs have of a field, ABSENT without it."""
    kind, _, path = name.partition(":")
    return at(specs[kind], steps_of(path))


def rejected(specs: dict[str, Any]) -> dict[str, str]:
    """Return what each function says that rejects the specs."""
    outcomes = run_functions(cluster(specs, openshift=True)).outcomes
    return {name: outcome.message for name, outcome in outcomes.items() if outcome.word is Word.REJECTED}


@LINES
def test_every_field_of_the_schemas_is_set(line: ReleaseLine) -> None:
    """Or left out for a reason; a field with a value of its own is not the default's."""
    unset = {name for name in ALL if value(full_specs(line), name) in (ABSENT, None)}
    assert unset == {*LEFT_OUT}, "set it by its row in effects/field_cases.py, or give the reason in LEFT_OUT"


@LINES
@pytest.mark.parametrize("storage", StorageType)
def test_no_function_refuses_what_is_set_together(line: ReleaseLine, storage: StorageType) -> None:
    """With each type of storage, every function takes the specs, and so do the models of the resources."""
    for kind, model in MODELS.items():
        if (manifest := cluster(full_specs(line, storage), openshift=True).resource(kind)) is not None:
            model.model_validate(manifest)
    assert rejected(full_specs(line, storage)) == {}


REFUSALS = [field for field in FIELDS if LEFT_OUT.get(str(field)) == REFUSED]


@pytest.mark.parametrize("field", REFUSALS, ids=str)
def test_what_is_left_out_is_refused_beside_the_rest(field: FieldCase) -> None:
    """So that the list has no field that a later release takes."""
    specs = full_specs(ReleaseLine.V0_7)
    assert rejected({**specs, field.kind: put(specs[field.kind], steps_of(field.path), field.after)})


def test_a_part_of_the_storage_counts_where_its_type_is_in_use() -> None:
    """Everywhere else there is a claim."""
    part = "spec.model-server.storage.external.credentials"
    specs = full_around("Kepler", part, ReleaseLine.V0_7)
    assert value(specs, "Kepler:spec.model-server.storage.type") == "external"
    assert value(full_specs(ReleaseLine.V0_7), "Kepler:spec.model-server.storage.type") == "claim"
