"""The small model server of the end-to-end tests answers as upstream's does."""

from pathlib import Path
from typing import Any

import pytest

from tests.model_service import COMPONENTS, MODEL, best_models, find_model, write_constant_models

METRICS = ["bpf_cpu_time_ms", "bpf_page_cache_hit", "cpu_architecture"]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a model of each source."""
    write_constant_models(tmp_path, {name: 1.0 for names in COMPONENTS.values() for name in names})
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "file"),
    [
        # kepler v0.7.12:pkg/model/types/types.go, ComponentEnergySource
        ({"source": "intel_rapl"}, f"rapl-sysfs/AbsPower/BPFOnly/{MODEL}.json"),
        ({"source": "rapl-msr"}, f"rapl-sysfs/AbsPower/BPFOnly/{MODEL}.json"),
        ({"source": None}, f"rapl-sysfs/AbsPower/BPFOnly/{MODEL}.json"),
        ({"source": "acpi"}, f"acpi/AbsPower/BPFOnly/{MODEL}.json"),
        ({"weight": False}, f"rapl-sysfs/AbsPower/BPFOnly/{MODEL}.zip"),
        ({"trainer_name": "SGDRegressorTrainer"}, f"rapl-sysfs/AbsPower/BPFOnly/{MODEL}.json"),
        ({"trainer_name": "XgboostFitTrainer"}, ""),
        ({"source": "hmc"}, ""),
        ({"output_type": "DynPower"}, ""),
        ({"metrics": ["bpf_cpu_time_ms"]}, ""),
        ({"filter": "mae:100"}, ""),
    ],
    ids=str,
)
def test_a_request_is_answered_by_the_model_that_fits(models: Path, changed: dict[str, Any], file: str) -> None:
    """Every RAPL source is `rapl-sysfs`; a feature group needs all of its metrics; no filter lets any model pass."""
    request = {"metrics": METRICS, "output_type": "AbsPower", "source": "rapl-sysfs", "weight": True, **changed}
    found = find_model(models, request)
    assert (str(found.relative_to(models / "ec2-0.7.11")) if found else "") == file


def test_models_are_listed_by_source(models: Path) -> None:
    """Without a source, those of RAPL; None, which is answered with 400, without models of the source."""
    assert best_models(models, None) == best_models(models, "acpi") == {"AbsPower": {"BPFOnly": MODEL}}
    assert best_models(models, "hmc") is None
