"""The page *Trace*: the form, both directions, what is missing, and its links from and to the runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.driving import HAVE_CHROMIUM, chromium, serious
from tests.signedruns import COMMIT, IMAGE, digest, run, signed
from tests.workshop.lab.pages.fixtures import browser, lab_of, served
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.signing import public_pem, signing_key
from workshop.manifests.objects import Object

PUID = digest(2).removeprefix("sha256:")[:12] + "a" * 20
RELEASE = {
    "image": f"{IMAGE}@{digest(2)}", "digest": digest(2), "model_version": "2", "git_commit": COMMIT,
    "data_version": "d" * 12, "run": "promote-2", "by": "user1", "came": "promoted: <better>",
    "since": "2026-11-29T14:05:00Z",
}  # fmt: skip


def traced_lab(folder: Path) -> Lab:
    """A lab whose production runs version 2, with the run that built it and its release."""
    lab = lab_of(folder)
    one = signed(run("train-2", 2), signing_key(lab.paths))
    _create(lab, "PipelineRun", "user1-dev", one)
    entries = json.dumps({"entries": [RELEASE]})
    _create(lab, "ConfigMap", "user1-production", {"metadata": {"name": "flight-delay-history"},
                                                   "data": {"history.json": entries}})  # fmt: skip
    _create(lab, "ConfigMap", "user1-production", {"metadata": {"name": "mlops-endpoints"},
                                                   "data": {"CHAINS_PUBLIC_KEY": public_pem(lab.paths)}})  # fmt: skip
    containers = [{"name": "flight-delay", "image": RELEASE["image"]}]
    predictor = {"name": "main", "componentSpecs": [{"spec": {"containers": containers}}]}
    _create(lab, "SeldonDeployment", "user1-production", {
        "metadata": {"name": "flight-delay", "annotations": {"mlops-workshop/model-version": "2"}},
        "spec": {"predictors": [predictor]},
    })  # fmt: skip
    return lab


def _create(lab: Lab, kind: str, namespace: str, obj: Object) -> None:
    """The object with its status; a statement goes on to the uid that the store gives."""
    known, meta = built_in(kind), {**obj["metadata"], "namespace": namespace}
    uid = str(meta.pop("uid", ""))
    for name in ("resourceVersion", "generation", "creationTimestamp"):
        meta.pop(name, None)
    made = lab.store.create(known, {**{k: v for k, v in obj.items() if k != "status"}, "metadata": meta})
    if uid:
        notes = {k.replace(uid, made["metadata"]["uid"]): v for k, v in meta["annotations"].items()}
        made = lab.store.update(known, {**made, "metadata": {**made["metadata"], "annotations": notes}})
    if "status" in obj:
        lab.store.update_status(known, {**made, "status": obj["status"]})


@pytest.mark.parametrize("what", [PUID, "2", digest(2), "train-2", COMMIT[:10], "flights-2013-01.csv"])
def test_what_is_known_is_shown_with_links_to_the_runs(tmp_path: Path, what: str) -> None:
    page = browser(traced_lab(tmp_path)).get("/trace/", params={"what": what})
    assert page.status_code == 200
    for words in ("production: main, 100 %", "promoted: &lt;better&gt;, by user1", "enabled, passed", COMMIT,
                  "the signature is verified, key SHA256:", "MLflow could not be read",
                  'href="/runs/user1-dev/train-2"', 'href="/runs/user1-production/promote-2"'):  # fmt: skip
        assert words in page.text, words


def test_a_pasted_answer_and_a_time_are_traced(tmp_path: Path) -> None:
    client = browser(traced_lab(tmp_path))
    answer = json.dumps({"meta": {"requestPath": {"flight-delay": RELEASE["image"]}}})
    assert "train-2" in client.get("/trace/", params={"what": answer}).text
    at = client.get("/trace/", params={"at": "2026-11-29T14:05"}).text
    assert "Production at 2026-11-29T14:05:00Z: version 2, promoted: &lt;better&gt;" in at
    before = client.get("/trace/", params={"at": "2020-01-01"})
    assert (before.status_code, "its history begins at 2026-11-29T14:05:00Z" in before.text) == (404, True)


@pytest.mark.parametrize(("given", "why"), [
    ({"what": "<script>"}, "nothing is known as &#39;&lt;script&gt;&#39;"),
    ({"what": "abc" * 10 + "ab"}, "a caller chose the puid"),
    ({"what": "{}"}, "this is no answer of a model"),
    ({"what": "x" * 4001}, "this is longer than 4000 characters"),
    ({"what": "2", "at": "2026-11-29"}, "both fields have a text"),
    ({"at": "five past two"}, "is no time; allowed"),
    ({"at": "0001-01-01T00:00+14:00"}, "is no time; allowed"),
    ({"what": '{"meta": ' + "[" * 3900}, "this is no answer of a model"),
])  # fmt: skip
def test_what_is_not_known_says_what_may_be_asked(tmp_path: Path, given: dict[str, Any], why: str) -> None:
    page = browser(traced_lab(tmp_path)).get("/trace/", params=given)
    assert page.status_code == 404
    assert why in page.text and "<script>" not in page.text


def test_the_page_is_empty_first_and_reachable_from_every_page_and_run(tmp_path: Path) -> None:
    client = browser(traced_lab(tmp_path))
    assert 'id="untraced"' not in client.get("/trace").text
    assert 'href="/trace/"' in client.get("/").text
    assert 'href="/trace/?what=train-2"' in client.get("/runs/user1-dev/train-2").text


@pytest.mark.skipif(not HAVE_CHROMIUM, reason="needs chromium and chromedriver")
@pytest.mark.xdist_group("browser")
def test_the_page_is_accessible_in_light_and_dark(tmp_path: Path) -> None:
    with served(traced_lab(tmp_path / "lab")) as lab:
        driver = chromium(tmp_path / "profile")
        try:
            for theme in ("light", "dark"):
                driver.get(f"{lab.url}/trace/?what={PUID}")
                driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
                assert "train-2" in driver.find_element("css selector", ".way").text
                assert serious(driver) == []
        finally:
            driver.quit()
