"""Write the list of an image's Python packages (SBOM) as CycloneDX 1.6: names, versions, licences, package URLs.

    python3 sbom.py --name model --output sbom.cdx.json [--base IMAGE] FOLDER...

It reads the metadata that pip has installed in the folders. The document has no date and no random number, so that
the same packages make the same file and the same image.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

_UNKNOWN = ("", "UNKNOWN")
_LONGEST_LICENCE = 200
"""Characters; some packages have the whole text of a licence in the field for its name."""


def document(name: str, folders: Iterable[Path], base: str = "") -> dict[str, Any]:
    """The SBOM of an image with the packages of these folders; `base` is the image that it is built on."""
    bom = Bom()
    bom.metadata.component = image = Component(name=name, type=ComponentType.CONTAINER, bom_ref=name)
    if base:
        bom.components.add(Component(name=base, type=ComponentType.CONTAINER, bom_ref=base))
    for found in distributions(path=[str(folder) for folder in folders]):
        bom.components.add(_component(found))
    bom.register_dependency(image, bom.components)
    made: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del made["serialNumber"], made["metadata"]["timestamp"]
    return made


def _component(found: Distribution) -> Component:
    name, version = found.metadata["Name"], found.version
    purl = PackageURL("pypi", None, name.lower().replace("_", "-"), version)
    component = Component(name=name, version=version, type=ComponentType.LIBRARY, purl=purl, bom_ref=purl.to_string())
    licence = _licence(found)
    if licence is not None:
        component.licenses.add(licence)
    return component


def _licence(found: Distribution) -> License | None:
    """What the package declares: an SPDX expression, a name, or a classifier."""
    metadata = found.metadata
    declared = [metadata.get("License-Expression", ""), metadata.get("License", "")]
    classifiers = [one for one in metadata.get_all("Classifier") or [] if one.startswith("License :: ")]
    declared += [one.rpartition(" :: ")[2] for one in classifiers]
    for text in declared:
        if text.strip() not in _UNKNOWN and len(text) <= _LONGEST_LICENCE:
            made: License = LicenseFactory().make_from_string(
                text.strip(), license_acknowledgement=LicenseAcknowledgement.DECLARED
            )
            return made
    return None


def main(argv: Sequence[str] | None = None) -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--base", default="")
    parser.add_argument("folders", nargs="+", type=Path)
    words = parser.parse_args(argv)
    made = document(words.name, words.folders, words.base)
    words.output.parent.mkdir(parents=True, exist_ok=True)
    words.output.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
