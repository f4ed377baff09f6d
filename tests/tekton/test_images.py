"""Every image that YAML names is pinned by digest, or made from a folder of the kit by a BuildConfig that is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubectl import kustomize
from workshop.lab.images.builder import BUILDER_REF

KIT = Path(__file__).resolve().parents[2]
IMAGES = KIT / "tekton" / "images"
REGISTRY = "image-registry.openshift-image-registry.svc:5000/mlops-workshop/"
DIGEST = re.compile(r"[\w./-]+@sha256:[0-9a-f]{64}\Z")
SET_LATER = {"flight-delay", "$(params.image-url)@$(params.image-digest)"}
"""What the pipeline has built: the deploy Task and the params say which."""
VERSION = tomllib.loads((KIT / "pyproject.toml").read_text())["project"]["version"]


def images(node: Any) -> Iterator[str]:
    """Every `image:` of a document, however deep, and the params that name one."""
    if isinstance(node, dict):
        if isinstance(node.get("image"), str):
            yield node["image"]
        if node.get("name") in ("BUILDER_IMAGE", "NOTEBOOK_IMAGE"):
            yield from (node[key] for key in ("default", "value") if key in node)
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from images(one)


def documents(*folders: str) -> Iterator[tuple[str, Any]]:
    """Each YAML document below the folders, after the name of its file."""
    for path in (path for folder in folders for path in sorted((KIT / folder).rglob("*.yaml"))):
        for document in yaml.load_all(path.read_text(), yaml.CSafeLoader):
            yield path.relative_to(KIT).as_posix(), document


NAMED = {image: name for name, document in documents("tekton", "seldon", "notebooks") for image in images(document)}
"""All images in the YAML that is applied, with a file that names each."""


def pulled_rarely(node: Any) -> Iterator[str]:
    """Containers and templates with a tag of the kit's own images that a node would not pull again."""
    if isinstance(node, dict):
        image = node.get("image")
        if isinstance(image, str) and image.startswith(REGISTRY) and node.get("imagePullPolicy") != "Always":
            yield image
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from pulled_rarely(one)


def test_a_node_pulls_an_image_again_when_its_tag_has_moved() -> None:
    assert {name for name, document in documents("tekton", "notebooks") if list(pulled_rarely(document))} == set()
    assert '.image_pull_policy = "Always"' in (KIT / "notebooks/openshift/base/jupyterhub_config.py").read_text()


OBJECTS = [*kustomize(IMAGES), *kustomize(KIT / "notebooks" / "openshift" / "images")]
BUILDS = {
    one["spec"]["output"]["to"]["name"]: KIT / one["metadata"]["annotations"]["description"].split()[-1].rstrip(".")
    for one in OBJECTS
    if one["kind"] == "BuildConfig"
}
"""What each BuildConfig makes, and of which folder."""


@pytest.mark.parametrize("image", NAMED)
def test_an_image_is_pinned_or_built_here(image: str) -> None:
    ours = image.startswith(REGISTRY) and image.removeprefix(REGISTRY) in BUILDS
    assert ours or DIGEST.match(image) or image in SET_LATER, f"{image}, named in {NAMED[image]}"


def test_everything_that_is_built_is_named_somewhere() -> None:
    assert {REGISTRY + made for made in BUILDS} <= set(NAMED)
    assert BUILDER_REF in {REGISTRY + made for made in BUILDS}


def test_each_built_image_has_an_image_stream_and_the_kits_version() -> None:
    streams = {one["metadata"]["name"] for one in OBJECTS if one["kind"] == "ImageStream"}
    assert {f"{name}:{VERSION}" for name in streams} == set(BUILDS)
    assert {one["metadata"]["namespace"] for one in OBJECTS} == {"mlops-workshop"}


@pytest.mark.parametrize("folder", BUILDS.values(), ids=lambda folder: folder.name)
def test_an_image_gets_the_list_of_its_packages(folder: Path) -> None:
    text = (folder / "Containerfile").read_text()
    lists = re.findall(
        r"sbom\.py --name (\S+) (?:\\\n\s+)?--base \"\$\{BASE\}\" (?:\\\n\s+)?--output (\S+)\.cdx\.json", text
    )
    assert len(lists) == 1, "s2i/sbom/sbom.py writes it"
    assert text.index("FROM ${BASE}") < text.rindex("ARG BASE") < text.index("sbom.py --name"), "BASE is empty else"


@pytest.mark.parametrize("folder", BUILDS.values(), ids=lambda folder: folder.name)
def test_a_containerfile_pins_its_bases_and_gives_up_root(folder: Path) -> None:
    text = (folder / "Containerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    for base in bases:
        name = re.fullmatch(r"\$\{(\w+)\}", base)
        assert name, f"{base} is no build argument, which another base could be given by"
        assert DIGEST.match(re.findall(rf"^ARG {name[1]}=(\S+)", text, re.MULTILINE)[0])
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "1001"
    assert "--require-hashes" in text or "install_locked.py" in text


def pins(path: Path) -> set[tuple[str, str]]:
    return set(re.findall(r"^([\w.-]+)==([\w.+!]+)", path.read_text(), re.MULTILINE))


def test_the_toolbox_has_the_versions_of_the_platform() -> None:
    platform = {(one["name"], one["version"]) for one in tomllib.loads((KIT / "uv.lock").read_text())["package"]}
    found = pins(KIT / "tekton" / "toolbox" / "requirements.txt")
    other = found - platform
    assert not other, f"{sorted(other)}; next: the two commands of tekton/images/README.md"
    wanted = tomllib.loads((KIT / "model" / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    delivery = tomllib.loads((KIT / "tekton" / "toolbox" / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = [*wanted["train"], *wanted["test"], *delivery]
    names = {re.split(r"[<>=]", line)[0] for line in lines}
    assert names <= {name for name, _ in found}


def test_the_wrapper_has_the_numpy_of_the_model() -> None:
    # The server's packages come first on the path: what the model was tested with must be what it gets.
    model, wrapper = pins(KIT / "model/requirements.txt"), pins(KIT / "s2i/wrapper/requirements.txt")
    assert {pin for pin in model if pin[0] == "numpy"} == {pin for pin in wrapper if pin[0] == "numpy"}
