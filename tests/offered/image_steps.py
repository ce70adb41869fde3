"""Images that may not be used, cannot be used, or cannot be pulled, and the steps out of it."""

import json
from typing import Any

from cli.kinds import ADMISSION_POLICY
from functions import collector, estimator, model_server
from operands import kepler_v07
from operands.sidecar import NAME as ESTIMATOR
from runtime.client import path
from runtime.objects import Manifest
from runtime.settings import ALLOWED_IMAGES
from tests.offered.common_steps import ESTIMATED, LOCAL, PODS, applied, chosen, edited
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import Act, OfferedState, StepCase
from tests.offered.workload_controllers import PodSymptom, containers
from tests.workbench import kepler

TOO_NEW = "quay.io/sustainable_computing_io/kepler:v0.9.0"
OLD_MODELS = "quay.io/sustainable_computing_io/kepler_model_server:v0.7.2"
ELSEWHERE = "mirror.example/kepler/kepler:release-0.7.12"
TYPO = ":v0.7.12-typo"
REPOSITORY = "quay.io/sustainable_computing_io/kepler"
SERVER_REPOSITORY = f"{REPOSITORY}_model_server"


def allowed(offered: OfferedState) -> None:
    """Let an administrator allow the repository, for functions and policies, and run the command."""
    offered.offers("add 'mirror.example/kepler/kepler' to `ALLOWED_IMAGES` as `config/overlays/mirror` does, then run")
    operated = offered.operated
    allow(operated, "mirror.example/kepler/kepler")
    operated.obstacles.callback(allow, operated, "")

    def taken() -> bool:
        """Whether the policies are in force as they are now."""
        offered.run("resync")
        return bool(operated.conditions(operated.key())["Ready"]["status"] == "True")

    operated.until(taken)


def allow(operated: OperatedNamespace, repositories: str) -> None:
    """What an overlay of `config/overlays/mirror` changes: it starts the functions anew, and changes the policies."""
    operated.images[ALLOWED_IMAGES] = repositories
    operated.restart()
    for name in ("kepler-collector-pods", "kepler-model-server-pods"):
        where = path(ADMISSION_POLICY, "", name)
        policy = operated.stack.api.get(where)
        variables = {variable["name"]: variable["expression"] for variable in policy["spec"]["variables"]}
        parts = variables["images"].split("'")
        variables["images"] = "'".join([*parts[:-2], repositories, parts[-1]])
        changed = [{"name": name, "expression": expression} for name, expression in variables.items()]
        patch = json.dumps({"spec": {"variables": changed}})
        operated.stack.kubectl("patch", "validatingadmissionpolicy", name, "--type=merge", "-p", patch)


def environment_too_old(operated: OperatedNamespace) -> None:
    """An administrator's image that cannot be used."""
    operated.images[kepler_v07.MODEL_SERVER_IMAGE_SETTING] = OLD_MODELS
    operated.restart()
    operated.apply(kepler(model_server=LOCAL, estimator_sidecar=ESTIMATED))


def environment_mended(offered: OfferedState) -> None:
    """Let the administrator name another image, which starts the functions anew, and run the command."""
    offered.offers(
        f"`{kepler_v07.MODEL_SERVER_IMAGE_SETTING}` in the functions' environment", kepler_v07.MODEL_SERVER_IMAGE
    )
    del offered.operated.images[kepler_v07.MODEL_SERVER_IMAGE_SETTING]
    offered.operated.restart()
    offered.run("resync")


def pulling(**images: str) -> Act:
    """Images whose tag nobody has pushed, as the kubelet finds it out."""

    def kubelet(pod: Manifest) -> PodSymptom | None:
        for container in containers(pod):
            if container["image"].endswith(TYPO):
                text = f'Failed to pull image "{container["image"]}": not found'
                return PodSymptom("Failed", text, container["name"], "ErrImagePull")
        return None

    def state(operated: OperatedNamespace) -> None:
        operated.controllers.kubelet = kubelet
        parts: dict[str, Any] = {part: {"image": image} for part, image in images.items()}
        for part in parts.keys() - {"collector"}:
            parts[part]["enabled"] = True
        operated.apply(kepler(**parts))

    return state


def images_mended(offered: OfferedState) -> None:
    """Name images that are there."""
    offered.edit("collector.image", f"{REPOSITORY}:release-0.7.12")
    offered.edit("model-server.image", f"{SERVER_REPOSITORY}:v0.7.12")


CASES = (
    StepCase(
        "ImageNotSupported",
        (collector.CONDITION,),
        applied(kepler(collector={"image": TOO_NEW})),
        chosen("collector.image", kepler_v07.IMAGE_V011),
    ),
    StepCase(
        "ImageNotSupported",
        (estimator.CONDITION,),
        applied(kepler(estimator_sidecar={"enabled": True, "image": OLD_MODELS})),
        chosen("estimator-sidecar.image", kepler_v07.MODEL_SERVER_IMAGE),
    ),
    StepCase(
        "ImageNotSupported",
        (estimator.CONDITION, model_server.CONDITION),
        environment_too_old,
        environment_mended,
        name="environment",
    ),
    StepCase(
        "ImageNotAllowed",
        (collector.CONDITION,),
        applied(kepler(collector={"image": ELSEWHERE})),
        edited("collector.image", f"{kepler_v07.IMAGE.partition(':')[0]}:release-0.7.11"),
        leaves=("resync",),
    ),
    StepCase(
        "ImageNotAllowed",
        (estimator.CONDITION, model_server.CONDITION),
        applied(
            kepler(
                estimator_sidecar={"enabled": True, "image": ELSEWHERE},
                model_server={"enabled": True, "image": ELSEWHERE},
            )
        ),
        allowed,
        name="administrator",
    ),
    StepCase(
        "ImagePull",
        PODS,
        pulling(collector=f"{REPOSITORY}{TYPO}", model_server=f"{SERVER_REPOSITORY}{TYPO}"),
        images_mended,
        unseen="there is no kubelet that pulls",
    ),
    StepCase(
        "ImagePull",
        PODS[:1],
        pulling(estimator_sidecar=f"{SERVER_REPOSITORY}{TYPO}"),
        edited("estimator-sidecar.image", f"{SERVER_REPOSITORY}:v0.7.12"),
        name=ESTIMATOR,
        unseen="there is no kubelet that pulls",
    ),
)
