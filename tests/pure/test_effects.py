"""No field is without effect: every field has two values that lead to something different, and a test that shows it."""

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from crds.collector_fields import ReleaseLine
from crds.crd_files import RESOURCES
from crds.kepler_collected_metric import Source
from effects.field_cases import FIELDS, FieldCase
from effects.field_effects import FILE, clusters, differing, document, effects, paths, writers
from effects.rendered_cluster import MODELS, Rendered, RenderedCluster, run_functions
from functions.function_catalogue import FUNCTIONS
from local.layout import ROOT
from operands import children, kepler_v011, kepler_v07, release
from operands.config_schema import OWNED
from runtime.conditions import conditions
from runtime.objects import COLLECTED_METRIC, KEPLER
from tests import kepler_config_rules

PLAIN = (str, int, float, bool, type(None))
KINDS = [resource.names.kind for resource in RESOURCES.values()]
EACH = pytest.mark.parametrize("field", FIELDS, ids=str)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_row_and_no_row_is_of_no_field(kind: str) -> None:
    """The fields are those of the definitions, each once."""
    rows, fields = [field.path for field in FIELDS if field.kind == kind], {*paths(kind, "spec")}
    assert fields - {*rows} == set(), "add a row for each of these to effects/field_cases.py: two values and a test"
    assert {*rows} - fields == set(), "no field has this path any more: take its row out of effects/field_cases.py"
    assert len(rows) == len({*rows}), "a field has two rows in effects/field_cases.py: keep one"


@EACH
def test_a_field_is_not_without_effect(field: FieldCase) -> None:
    """Two values of it lead to different objects, or at least to something else that is said."""
    assert effects(field), (
        f"`{field.path}` changes nothing: use it where the object is rendered (`operands`) or decided (`functions`), "
        "or give its row in effects/field_cases.py two values that differ"
    )


EXPORTERS = [
    field
    for field in FIELDS
    if field.kind == KEPLER.name and field.path.startswith("spec.collector.") and field.path != "spec.collector.release"
]


@pytest.mark.parametrize("field", EXPORTERS, ids=str)
def test_a_field_of_the_exporter_has_an_effect_in_both_lines(field: FieldCase) -> None:
    """Or the condition of the line without it says so."""
    assert effects(field.in_line(ReleaseLine.V0_11)), (
        f"`{field.path}` changes nothing with Kepler v0.11: use it in operands/exporter_v011.py or "
        "operands/kepler_config.py, or add it to ONLY_V0_7 in operands/release_fields.py"
    )
    assert effects(field.in_line(ReleaseLine.V0_7)), (
        f"`{field.path}` changes nothing with Kepler v0.7: use it in operands/exporter.py or functions/collector.py, "
        "or add it to ONLY_V0_11 in operands/release_fields.py"
    )


@pytest.mark.parametrize("field", EXPORTERS, ids=str)
def test_a_key_that_a_field_sets_is_not_the_users(field: FieldCase) -> None:
    """Otherwise the ConfigMap of `additional-config` would override the field without a word."""
    if field.path == "spec.collector.additional-config":
        return
    before, after = (config(run_functions(cluster)) for cluster in clusters(field.in_line(ReleaseLine.V0_11)))
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert not changed or changed & OWNED, (
        f"`{field.path}` sets {sorted(changed)} in `config.yaml`: add that to OWNED in operands/config_schema.py, and "
        "take it out of FREE"
    )


def config(rendered: Rendered) -> dict[str, Any]:
    """Return every key of `config.yaml` by its path."""
    return dict(
        kepler_config_rules.leaves(yaml.safe_load(rendered.data(children.KEPLER_CONFIG)[kepler_v011.CONFIG_FILE]))
    )


@EACH
def test_both_values_are_values_of_the_field(field: FieldCase) -> None:
    """The models take the resources with the one and with the other."""
    for cluster in clusters(field):
        for kind, model in MODELS.items():
            if (written := cluster.resource(kind)) is not None:
                model.model_validate(written)


SOURCES = [field for field in FIELDS if field.kind == COLLECTED_METRIC.name]


@pytest.mark.parametrize("field", SOURCES, ids=str)
def test_a_row_says_what_the_default_image_does_not_read(field: FieldCase) -> None:
    """As the condition does; no test that is said to show what the exporter reads stands beside such a source."""
    source = Source(field.path.split(".")[2])
    if source in release.LAST_READ:
        assert f"{release.LAST_READ[source]} was the last that read it" in field.remark
        assert not field.shown_by.endswith("that_the_exporter_reads")
    elif field.path == "spec.sources.gpu.enabled":
        assert not release.reads_gpus(kepler_v07.IMAGE)
        assert "built without support for GPUs" in field.remark
    else:
        assert not field.remark


@functools.cache
def defined_in(file: Path) -> frozenset[str]:
    """The names of the tests in a file, which is not run for it."""
    return frozenset(node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef))


@EACH
def test_the_test_that_shows_it_exists(field: FieldCase) -> None:
    """By file and name, as pytest takes them."""
    file, _, name = field.shown_by.partition("::")
    assert name.startswith("test_")
    assert name in defined_in(ROOT / file), f"{file} has no `{name}`: name in effects/field_cases.py a test that it has"


def test_the_file_is_what_comes_of_the_values() -> None:
    """`make generate` would change nothing."""
    assert FILE.read_text() == document(), f"{FILE.name}: run `make generate`"


def test_a_value_that_changes_nothing_is_found() -> None:
    """A field that nobody reads would have no effects, not even that something is rolled out."""
    none = FieldCase(KEPLER.name, "spec.collector.port", None, 9102, "", RenderedCluster())
    assert effects(none) == ()


def test_what_is_refused_is_told_by_its_condition_alone() -> None:
    """What runs is left as it is, so that nothing is said to go; who waits for it has nothing of his own to tell."""
    field = next(field for field in FIELDS if field.path == "spec.model-server.training.online")
    assert effects(field) == ("condition `ModelServerReconciled`: `Reconciled` becomes `NotWorkingInThisRelease`",)


def test_differences_are_told_where_they_begin() -> None:
    """Items by what tells them apart, a list without that as a whole, and a part that is new by its name."""
    before = {"env": [{"name": "A", "value": "1"}], "args": ["a"], "ports": [{"port": 1, "protocol": "TCP"}]}
    after = {
        "env": [{"name": "A", "value": "2"}],
        "args": ["b"],
        "ports": [{"port": 2, "protocol": "TCP"}],
        "new": {"a": 1},
    }
    assert [path for path, _, _ in differing(before, after)] == ["env[A].value", "args", "ports", "new"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_the_status_has_one_writer(kind: str) -> None:
    """As the functions return them; only the conditions are everybody's."""
    reported = writers().get(kind, {})
    assert set(reported) == set(paths(kind, "status"))
    assert all(len(names) == 1 for path, names in reported.items() if path != "status.conditions")


def test_every_function_reports_on_its_resource() -> None:
    """Each under a name of its own; a rendered resource has what all of them say, as a real one has."""
    cluster = run_functions(RenderedCluster())
    types = [summary for function in FUNCTIONS for summary in (function.condition, *function.summaries)]
    assert {type_name for type_name in types if type_name in conditions(cluster.resources[KEPLER.name])} == {
        function.condition for function in FUNCTIONS if function.parent == KEPLER
    }


@EACH
def test_what_is_rendered_is_plain_json(field: FieldCase) -> None:
    """`kubectl kepler render` writes it as YAML, which knows no members of enums."""
    for cluster in clusters(field):
        for ref, manifest in run_functions(cluster).objects.items():
            members = [path for path, value in leaves(manifest) if type(value) not in PLAIN]
            assert not members, f"{ref} has a value of a Python type at {members}: render `str(...)` of it"


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value that holds no others, by its path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value
