"""From a prediction back to its data and forward again, with what is missing named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from delivery.errors import DeliveryError
from delivery.lineage import Known, Predictor, Version, at, facts, of_answer, of_file, traced
from delivery.provenance import fingerprint, public_key

from tests.delivery.test_history import entry
from tests.signedruns import COMMIT, DATA, digest, pem, run, signed

RUN_ID, FILE_MD5 = "f" * 32, "0123456789abcdef0123456789abcdef"


def version(number: int, **more: Any) -> Version:
    tags = {"git_commit": COMMIT, "data_version": DATA}
    return Version(str(number), RUN_ID, tags, ("champion",), {"auc": 0.7512, "odd": 1.0}, f"train-{number}", **more)


KNOWN = Known(
    entries=[entry(1, until="2026-02-01T00:00:00Z", left="replaced by version 2"), entry(2)],
    runs=[signed(run("train-2", 2)), run("train-3", 0, gate="", succeeded="False")],
    serving=[Predictor("production", "main", digest(2), "2")],
    versions=[version(2)],
    key=public_key(pem()),
)


def facts_by_name(known: Known, text: str) -> dict[str, str]:
    """The facts of the only way that a text names."""
    (way,) = traced(text, known).ways
    return {one.name: one.text for one in facts(way)}


def test_a_puid_of_the_server_leads_to_release_run_commit_data_and_metrics() -> None:
    puid = digest(2).removeprefix("sha256:")[:12] + "1" * 20
    known = replace(KNOWN, entries=KNOWN.entries[1:])
    assert traced(puid, known).what == "a prediction, by its puid"
    assert facts_by_name(known, puid) == {
        "image": digest(2),
        "serves": "production: main, 100 %",
        "release": "version 2, since 2026-01-01T00:00:02Z: promoted by promote-2, by user1",
        "run": "train-2 (train-and-stage), succeeded 2026-11-29T14:01:00Z",
        "gate": "enabled, passed",
        "statement": "the signature is verified, key " + fingerprint(public_key(pem())),
        "commit": COMMIT,
        "data": f"version {DATA}: flights-2013-01.csv",
        "model": f"version 2, champion, MLflow run {RUN_ID}: auc 0.7512",
    }


@pytest.mark.parametrize(("text", "what"), [
    (digest(2), "an image"),
    (f"registry:5000/flight-delay@{digest(2)}", "an image"),
    ("v2", "model version 2"),
    ("train-2", "a PipelineRun"),
    ("promote-2", "the PipelineRun of a release"),
    (RUN_ID, "an MLflow run"),
    (f" {RUN_ID[:12]}\n", "an MLflow run"),
])  # fmt: skip
def test_each_name_of_a_release_leads_to_the_same_way(text: str, what: str) -> None:
    found = traced(text, KNOWN)
    assert (found.what, [way.run for way in found.ways]) == (what, ["train-2"])


@pytest.mark.parametrize(("text", "what"), [
    (COMMIT[:7], "a commit"), (DATA, "a version of the data"), (FILE_MD5, "the content of a data file"),
    ("data/flights-2013-01.csv", "the data file data/flights-2013-01.csv"),
    ("flights-2013-01.csv.dvc", "the data file flights-2013-01.csv.dvc"),
])  # fmt: skip
def test_a_commit_and_data_lead_forward_to_every_run_and_what_serves(text: str, what: str) -> None:
    found = traced(text, KNOWN)
    assert found.what == what
    runs = {way.run: way for way in found.ways}
    assert {"train-2", "train-3"} <= set(runs)
    assert [one.text for one in runs["train-2"].serves] == ["production: main, 100 %"]
    assert runs["train-3"].state == "failed"
    assert "the run has built no image" in runs["train-3"].gaps


def test_a_run_that_was_deleted_is_named_and_the_rest_is_shown() -> None:
    known = replace(KNOWN, runs=[])
    assert facts_by_name(known, "2")["missing"] == (
        "its PipelineRun train-2 is not there any more: no gate, no statement and no list of data files"
    )
    assert facts_by_name(known, "2")["commit"] == COMMIT
    (only_history,) = traced("1", replace(known, versions=[])).ways
    assert (only_history.commit, only_history.data_version) == (COMMIT, DATA)
    assert only_history.gaps[-1] == "MLflow has no version 1"


def test_an_mlflow_that_is_away_is_named_and_the_rest_is_shown() -> None:
    known = replace(KNOWN, versions=[], missing=["MLflow could not be read: it does not answer"])
    assert traced("2", known).notes == ["MLflow could not be read: it does not answer"]
    assert facts_by_name(known, "2")["model"] == "version 2"
    with pytest.raises(DeliveryError, match=r"9 \(model version 9\) is not known; MLflow could not be read"):
        traced("9", known)


def test_a_forged_statement_is_shown_as_that() -> None:
    known = replace(KNOWN, runs=[signed(run("train-2", 2), ec.generate_private_key(ec.SECP256R1()))])
    assert facts_by_name(known, "2")["statement"].startswith("the statement of train-2 is not signed with the key")
    unverified = replace(KNOWN, key=None)
    assert facts_by_name(unverified, "2")["statement"].endswith("without CHAINS_PUBLIC_KEY it is not verified")


def test_a_canary_and_a_shadow_are_predictors_of_their_own() -> None:
    serving = [Predictor("production", "main", digest(1), "1", 90),
               Predictor("production", "canary", digest(2), "2", 10),
               Predictor("staging", "shadow", digest(2), "2", 0, True)]  # fmt: skip
    (way,) = traced("2", replace(KNOWN, serving=serving)).ways
    assert [one.text for one in way.serves] == ["production: canary, 10 %", "staging: shadow, gets copies"]


@pytest.mark.parametrize("text", ["order-4711", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "zzz", ""])
def test_a_puid_of_a_caller_is_said_to_be_untraceable(text: str) -> None:
    with pytest.raises(
        DeliveryError, match=r"A puid that a caller chose cannot be traced, next: the answer's meta.req"
    ):
        traced(text, KNOWN)


def test_a_puid_of_an_unknown_image_says_what_it_may_be() -> None:
    with pytest.raises(
        DeliveryError, match=r"no image is known that begins with abcabcabcabc: a caller chose the puid"
    ):
        traced("abc" * 10 + "ab", KNOWN)


def test_an_answer_is_traced_by_its_image_and_else_by_its_puid() -> None:
    assert (
        of_answer(f'{{"meta": {{"puid": "p", "requestPath": {{"flight-delay": "a@{digest(2)}"}}}}}}')
        == f"a@{digest(2)}"
    )
    assert of_answer('{"meta": {"puid": "p", "requestPath": {"flight-delay": "a:1"}}}') == "p"
    with pytest.raises(DeliveryError, match=r"no image by digest in meta.requestPath and no puid, next: curl"):
        of_answer('{"meta": {}}')


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"meta": 5}', '{"meta": {"requestPath": [1]}}'])
def test_what_is_no_answer_is_an_error(text: str) -> None:
    with pytest.raises(DeliveryError, match="this is no answer of a model"):
        of_answer(text)


def test_a_data_file_is_traced_by_its_content() -> None:
    found = of_file("flights-2013-01.csv", FILE_MD5, KNOWN)
    assert {way.run for way in found.ways} == {"train-2", "train-3"}
    with pytest.raises(DeliveryError, match=r"has used flights-2013-01.csv with this content, .*; 2 runs used another"):
        of_file("flights-2013-01.csv", "9" * 32, KNOWN)


@pytest.mark.parametrize(("moment", "number"), [
    ("2026-01-01T00:00:01+00:00", "1"), ("2026-01-15T12:00:00+02:00", "1"), ("2026-02-02T00:00:00+00:00", "2"),
])  # fmt: skip
def test_a_time_leads_to_what_was_in_production(moment: str, number: str) -> None:
    second = replace(entry(2), since="2026-02-01T00:00:00Z")
    found = at(datetime.fromisoformat(moment), replace(KNOWN, entries=[KNOWN.entries[0], second]))
    assert found.what.startswith("production at 2026-")
    assert f": version {number}, promoted by promote-{number}" in found.what
    assert [one.model_version for way in found.ways for one in way.releases] == [number]


@pytest.mark.parametrize(("entries", "why"), [
    ([], "it has no history"), (KNOWN.entries, "its history begins at 2026-01-01T00:00:01Z"),
])  # fmt: skip
def test_a_time_before_the_history_is_an_error(entries: Sequence[Any], why: str) -> None:
    with pytest.raises(DeliveryError, match=f"production ran nothing at 2020-01-01T00:00:00Z: {why}, next: workshop"):
        at(datetime(2020, 1, 1, tzinfo=UTC), replace(KNOWN, entries=entries))


def test_nothing_is_said_about_the_future() -> None:
    with pytest.raises(DeliveryError, match="2999-01-01T00:00:00Z is in the future; allowed: a time that has passed"):
        at(datetime(2999, 1, 1, tzinfo=UTC), KNOWN)


def test_results_that_are_no_json_take_nothing_else_away() -> None:
    broken = run("train-2", 2)
    for one in broken["status"]["results"]:
        if one["name"] == "data-files":
            one["value"] = "[nonsense"
    (way,) = traced("train-2", replace(KNOWN, runs=[broken])).ways
    assert (way.files, way.gaps) == ({}, ["the run has no list of its data files"])
