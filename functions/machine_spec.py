"""Function `machine_spec`: ConfigMap `kepler-machine-spec`, which describes the machines, in each Kepler's namespace.

Woken by the Kepler, by every KeplerMachineConfig, and by the ConfigMap when somebody edits it. A KeplerMachineConfig is
cluster-scoped and a pod mounts only ConfigMaps of its own namespace. So each namespace with a Kepler gets one, and the
Kepler owns it. Without any `machine-spec` there is none.
"""

import json
from collections.abc import Iterable, Mapping

from crds.kepler_machine_config import KeplerMachineConfig, Machine
from events.outcome_words import Word
from operands import children
from operands.machine_spec_volume import FILE, NAME, config_map
from runtime.conditions import reports_true
from runtime.declaration import Function, Input, Observed, Wake
from runtime.objects import CONFIG_MAP, KEPLER, MACHINE_CONFIG, Collection, Manifest, Ref, terminates
from runtime.outcome import Outcome, converged, rejected

CONDITION = "MachineSpecReconciled"
CONFIGS = Collection(MACHINE_CONFIG, "")


def desired(observed: Observed) -> Outcome:
    """Return the ConfigMap with one key for each type of machine, as in upstream's ConfigMap of that name."""
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    configs = [
        KeplerMachineConfig.model_validate(config) for config in observed.collections[CONFIGS] if not terminates(config)
    ]
    if disagreement := contradiction(configs):
        return rejected("MachineSpecContradicts", disagreement)
    machines = {name: machine for config in configs for name, machine in config.spec.machine_spec.items()}
    ref = config_map(observed.key)
    if not machines:
        message = "no `machine-spec` is set: Kepler finds out itself what machine it runs on"
        return Outcome(Word.CONVERGED, "Disabled", message, absent=(ref,))
    single = len(machines) == 1
    file_note = f"`{FILE}` says '{next(iter(machines))}'" if single else f"with more than one there is no `{FILE}`"
    return converged(
        children.child(observed.parent, ref, "machine-spec", {"data": data(machines)}),
        message=f"ConfigMap '{NAME}' describes {', '.join(sorted(machines))}; {file_note}",
    )


def contradiction(configs: Iterable[KeplerMachineConfig]) -> str:
    """Return a message if two resources describe one type of machine differently, else an empty string."""
    first: dict[str, tuple[str, Machine]] = {}
    for config in sorted(configs, key=lambda config: config.name):
        for name, machine in config.spec.machine_spec.items():
            text, described = first.setdefault(name, (config.name, machine))
            if described != machine:
                return (
                    f"KeplerMachineConfigs '{text}' and '{config.name}' describe '{name}' differently in "
                    "`machine-spec`: take it out of one of them"
                )
    return ""


def data(machines: Mapping[str, Machine]) -> dict[str, str]:
    """Return the ConfigMap's data. Fields that the user left out are left out; Kepler reads them as 0 or empty."""
    described = {name: _as_json(machine) for name, machine in sorted(machines.items())}
    return described | ({FILE: next(iter(described.values()))} if len(described) == 1 else {})


def _as_json(machine: Machine) -> str:
    return json.dumps(machine.model_dump(exclude_none=True, by_alias=True))


def configs(_key: Ref, _parent: Manifest | None) -> tuple[Input, ...]:
    """Return the collection of all KeplerMachineConfigs, since each may describe machines."""
    return (CONFIGS,)


FUNCTION = Function(
    name="machine_spec",
    condition=CONDITION,
    gates_ready=False,
    wakes=(Wake(KEPLER, nothing_to_do=reports_true(CONDITION)), Wake(MACHINE_CONFIG), Wake(CONFIG_MAP, (NAME,))),
    children=lambda key: (config_map(key),),
    removes=lambda key: (config_map(key),),
    references=configs,
    lists=(MACHINE_CONFIG,),
    desired=desired,
)
