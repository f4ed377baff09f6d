"""`workshop sbom`: the packages of an image, as the build has listed them."""

from __future__ import annotations

import json

import pytest

from tests.workshop.lab.api.conftest import lab  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.lab.images.store import Config
from workshop.usecase import DEPLOYMENT

IMAGE = "quay.io/any/listed:1"
LISTED = {
    "bomFormat": "CycloneDX",
    "components": [
        {"name": "Zope", "version": "2", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
        {"name": "idna", "version": "3", "licenses": [{"license": {"id": "BSD-3-Clause"}}]},
        {"name": "bare", "version": "1"},
    ],
}


@pytest.fixture(autouse=True)
def image(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """An image with a list, in the store of a lab that was started once."""
    monkeypatch.setenv("WORKSHOP_STATE", str(lab.state.root))
    store = lab.running.images
    for name, files in ((IMAGE, {"sbom.cdx.json": json.dumps(LISTED)}), ("quay.io/any/bare:1", {"x": "1"})):
        with store.partial() as rootfs:
            folder = rootfs / "opt/app-root"
            folder.mkdir(parents=True)
            for file, text in files.items():
                (folder / file).write_text(text)
            made = store.commit(rootfs, Config({"APP_ROOT": "/opt/app-root"}, ("run",), {}, "1001"))
        store.tag(name, made.digest)


def test_the_packages_are_listed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sbom", IMAGE]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["PACKAGE", "VERSION", "LICENCE"],
        ["bare", "1"],
        ["idna", "3", "BSD-3-Clause"],
        ["Zope", "2", "MIT", "OR", "Apache-2.0"],
    ]


def test_the_document_is_printed_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sbom", IMAGE, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == LISTED


def test_a_stage_is_what_it_serves(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    assert main(["sbom", "staging"]) == 3
    assert "nothing is deployed in user1-staging" in capsys.readouterr().err
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "user1-staging"}})
    container = {"name": "model", "image": IMAGE}
    graph = {"name": "model", "type": "MODEL"}
    predictor = {"name": "main", "graph": graph, "componentSpecs": [{"spec": {"containers": [container]}}]}
    path = "/apis/machinelearning.seldon.io/v1/namespaces/user1-staging/seldondeployments"
    made = {"metadata": {"name": DEPLOYMENT}, "spec": {"predictors": [predictor]}}
    code, said = lab.ask("POST", path, made)
    assert code == 201, said
    assert main(["sbom", "staging"]) == 0 and "idna" in capsys.readouterr().out
    lab.ask("DELETE", "/api/v1/namespaces/user1-staging")


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("quay.io/any/bare:1", 3, "has no list of its packages"),
        ("quay.io/any/other:1", 2, "the lab has no image quay.io/any/other:1"),
    ],
)
def test_an_image_without_a_list_says_so(name: str, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sbom", name]) == code
    assert said in capsys.readouterr().err
