"""The bill of materials of an image, as CycloneDX 1.6 JSON: each Debian and Python package with its digest."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as BomComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from image.base import RELEASE
from image.components import Component


def document(name: str, version: str, manifest: str, components: Iterable[Component], epoch: int) -> str:
    """Return the bill of materials of the image with this manifest digest; the same image has the same one."""
    image = BomComponent(
        name=name,
        version=version,
        type=ComponentType.CONTAINER,
        bom_ref=name,
        purl=PackageURL("oci", None, name, manifest),
        hashes=[_sha256(manifest.removeprefix("sha256:"))],
    )
    parts = [_part(component) for component in sorted(components)]
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"oci:{name}@{manifest}"), components=parts)
    bom.metadata.component = image
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    bom.register_dependency(image, parts)
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _part(component: Component) -> BomComponent:
    qualifiers = {"arch": component.architecture, "distro": RELEASE} if component.ecosystem == "deb" else {}
    namespace = "debian" if component.ecosystem == "deb" else None
    purl = PackageURL(component.ecosystem, namespace, component.name, component.version, qualifiers)
    return BomComponent(
        name=component.name,
        version=component.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[_sha256(component.sha256)],
        licenses=[LicenseExpression(component.license)] if component.license else [],
    )


def _sha256(content: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=content)
