"""Production takes an image only with a statement that its key has signed: every other case, with its message."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from threading import Timer
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from delivery import provenance
from delivery.asking import AB_TEST, PROMOTE, SHADOW
from delivery.commands import release as release_command
from delivery.errors import DeliveryError
from delivery.history import PROMOTED
from delivery.provenance import POLICIES, proven, public_key, signature_name, statement_of
from delivery.release import Delivery

from tests.delivery.conftest import KIT
from tests.delivery.test_history import entry
from tests.delivery.test_production import made, promoted
from tests.signedruns import DEV, digest, pem, run, signed
from tests.workshop.lab.serving import Lab

PUBLIC = public_key(pem())


def accept(*runs: dict[str, Any], version: int = 1, kind: str = PROMOTE) -> provenance.Statement:
    return proven(runs, digest(version), PUBLIC, POLICIES[kind], DEV)


def with_statement_of(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A run that carries the statement of another one, as somebody with `edit` in dev can write it."""
    text = other["metadata"]["annotations"][signature_name(other["metadata"]["uid"])]
    name = signature_name(one["metadata"]["uid"])
    return {**one, "metadata": {**one["metadata"], "annotations": {name: text}}}


def changed(one: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """A run whose statement was changed after it was signed."""
    name = signature_name(one["metadata"]["uid"])
    envelope = json.loads(base64.b64decode(one["metadata"]["annotations"][name]))
    content = json.loads(base64.b64decode(envelope["payload"]))
    change(content)
    envelope["payload"] = base64.b64encode(json.dumps(content).encode()).decode()
    text = base64.b64encode(json.dumps(envelope).encode()).decode()
    return {**one, "metadata": {**one["metadata"], "annotations": {name: text}}}


def test_a_run_of_the_kit_with_its_gate_is_accepted() -> None:
    found = accept(signed(run("train-2", 2)), signed(run("train-1", 1)))
    assert (found.run, found.pipeline, found.gate, found.digests) == (
        "train-1",
        "train-and-stage",
        "enabled",
        (digest(1),),
    )
    assert found.results["data-version"] == "d" * 12
    assert accept(signed(run("retrain-1", 1, pipeline="retrain"))).pipeline == "retrain"


def test_a_missing_statement_is_named() -> None:
    with pytest.raises(DeliveryError, match=r"^train-1 has no statement of Tekton Chains, next: workshop run"):
        accept(run("train-1", 1))


def test_a_deleted_run_is_named() -> None:
    with pytest.raises(DeliveryError, match=f"no PipelineRun in {DEV} has built {digest(3)}: it was deleted"):
        accept(signed(run("train-1", 1)), version=3)


def test_another_key_counts_for_nothing() -> None:
    forged = signed(run("train-1", 1), ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(DeliveryError, match=r"the statement of train-1 is not signed with the key SHA256:\S+ \(CHAINS"):
        accept(forged)


def test_a_statement_changed_after_it_was_signed_counts_for_nothing() -> None:
    disarmed = signed(run("train-1", 1, gate="disabled", passed="unchecked"))

    def arm(content: dict[str, Any]) -> None:
        for one in content["predicate"]["runDetails"]["byproducts"]:
            if one["name"].endswith("gate-mode"):
                one["content"] = base64.b64encode(b'"enabled"').decode()

    with pytest.raises(DeliveryError, match="the statement of train-1 is not signed with the key"):
        accept(changed(disarmed, arm))


def test_the_statement_of_another_image_counts_for_nothing() -> None:
    borrowed = with_statement_of(run("train-2", 2) | {"metadata": {"name": "train-2", "uid": "u2"}},
                                 signed(run("train-1", 1)))  # fmt: skip
    with pytest.raises(DeliveryError, match=f"the statement of train-2 is about {digest(1)}, not about {digest(2)}"):
        accept(borrowed, version=2)


def test_another_pipeline_is_refused() -> None:
    with pytest.raises(
        DeliveryError, match="build-1 is a run of the Pipeline build; a promotion takes train-and-stage"
    ):
        accept(signed(run("build-1", 1, pipeline="build")))


def test_a_pipeline_inside_the_run_or_of_another_place_is_refused() -> None:
    inside: dict[str, Any] = {"pipelineRef": {}, "pipelineSpec": {"tasks": []}}
    elsewhere: dict[str, Any] = {"pipelineRef": {"resolver": "git", "name": "train-and-stage"}}
    for spec in (inside, elsewhere):
        with pytest.raises(DeliveryError, match="one-1 is a run of no Pipeline of this namespace"):
            accept(signed(run("one-1", 1, **spec)))


@pytest.mark.parametrize("mode", ["disabled", "dry-run"])
def test_a_disarmed_gate_is_refused_for_a_promotion(mode: str) -> None:
    disarmed = signed(run("train-1", 1, gate=mode, passed="false"))
    with pytest.raises(
        DeliveryError,
        match=f"the gate of train-1 was {mode}; a promotion takes a model whose gate was enabled, next: workshop run "
        "tekton/runs/train-and-stage.yaml, without gate-mode",
    ):
        accept(disarmed)


def test_a_run_without_a_gate_is_refused() -> None:
    with pytest.raises(DeliveryError, match="the gate of train-1 was unknown"):
        accept(signed(run("train-1", 1, gate="")))
    with pytest.raises(DeliveryError, match="the gate of train-1 was closed for the model"):
        accept(signed(run("train-1", 1, passed="false")))


def test_an_ab_test_takes_a_gate_that_reports_and_a_shadow_any() -> None:
    reported = signed(run("ab-1", 1, pipeline="ab-test", gate="dry-run", passed="false"))
    assert accept(reported, kind=AB_TEST).run == accept(reported, kind=SHADOW).run == "ab-1"
    with pytest.raises(DeliveryError, match="ab-1 is a run of the Pipeline ab-test; a promotion takes"):
        accept(reported)
    disarmed = signed(run("train-1", 1, gate="disabled", passed="unchecked"))
    assert accept(disarmed, kind=SHADOW).run == "train-1"
    with pytest.raises(DeliveryError, match="an A/B test takes a model whose gate was enabled or dry-run"):
        accept(disarmed, kind=AB_TEST)


def test_one_good_run_of_a_digest_is_enough() -> None:
    forged = signed(run("train-0", 1), ec.generate_private_key(ec.SECP256R1()))
    assert accept(forged, signed(run("train-1", 1))).run == "train-1"


NESTED = base64.b64encode(b"[" * 100_000).decode()


@pytest.mark.parametrize(
    "text",
    ["nonsense", base64.b64encode(b"{}").decode(), base64.b64encode(b"[1]").decode(), NESTED],
    ids=["text", "empty", "list", "nested"],
)
def test_an_annotation_that_cannot_be_read_is_an_error(text: str) -> None:
    one = {"metadata": {"name": "train-1", "uid": "u", "annotations": {signature_name("u"): text}}}
    with pytest.raises(DeliveryError, match="the statement of train-1 cannot be read"):
        statement_of(one, PUBLIC)


def test_a_statement_of_another_format_says_what_to_set() -> None:
    def old(content: dict[str, Any]) -> None:
        content["_type"], content["predicateType"] = (
            "https://in-toto.io/Statement/v0.1",
            "https://slsa.dev/provenance/v0.2",
        )

    with pytest.raises(
        DeliveryError, match=r"is a https://slsa.dev/provenance/v0\.2, allowed: .*v1, next: set artifacts"
    ):
        statement_of(changed(signed(run("train-1", 1)), old), None)


def test_only_keys_as_cosign_makes_them_verify() -> None:
    with pytest.raises(DeliveryError, match="CHAINS_PUBLIC_KEY is not a public key as PEM"):
        public_key("nonsense")
    other = ed25519.Ed25519PrivateKey.generate().public_key()
    with pytest.raises(DeliveryError, match=r"CHAINS_PUBLIC_KEY is a .*; allowed: ECDSA"):
        public_key(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


# -- the pipelines whose runs production accepts


@pytest.mark.parametrize("name", sorted({one for policy in POLICIES.values() for one in policy.pipelines}))
def test_the_pipelines_have_the_results_that_chains_and_production_read(name: str) -> None:
    file = KIT / "tekton/base/pipelines" / f"{name}.yaml"
    results = {one["name"]: one["value"] for one in yaml.safe_load(file.read_text())["spec"]["results"]}
    hints = {"IMAGE_URL", "IMAGE_DIGEST", "CHAINS-GIT_COMMIT", "CHAINS-GIT_URL", "data-ARTIFACT_INPUTS"}
    assert hints | {"data-version", "data-files", "gate-mode", "gate-passed", "model-version"} <= set(results)
    # A caller who chooses the param could name another mode than the one that the gate ran in.
    assert results["gate-mode"] == "$(tasks.gate.results.mode)"


# -- the release that production finds


@pytest.fixture
def verify(delivery: Delivery, production: str, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Verify a version's image; one namespace is dev and production."""
    monkeypatch.setenv("DEV_NAMESPACE", production)
    monkeypatch.setenv("CHAINS_PUBLIC_KEY", pem())
    monkeypatch.setattr(release_command, "SIGNED_SECONDS", 0.0)
    return lambda version, kind=PROMOTE: release_command.verify(made(version), kind, delivery.history.read())


def create(lab: Lab, namespace: str, one: dict[str, Any]) -> None:
    """A run with its annotations and status on the server."""
    path = f"/apis/tekton.dev/v1/namespaces/{namespace}/pipelineruns"
    uid, annotations = one["metadata"].get("uid"), dict(one["metadata"].get("annotations") or {})
    body = {**one, "metadata": {"name": one["metadata"]["name"], "annotations": annotations}}
    status, created = lab.ask("POST", path, body)
    assert status == 201, created
    moved = {name.replace(str(uid), created["metadata"]["uid"]): text for name, text in annotations.items()}
    whole = {**created, "metadata": {**created["metadata"], "annotations": moved}}
    status, created = lab.ask("PUT", f"{path}/{one['metadata']['name']}", whole)
    assert status == 200, created
    status, created = lab.ask("PUT", f"{path}/{one['metadata']['name']}/status", {**created, "status": one["status"]})
    assert status == 200, created


def test_production_verifies_the_runs_of_dev(
    verify: Callable[..., None], lab: Lab, production: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DeliveryError, match=f"no PipelineRun in {production} has built"):
        verify(1)
    create(lab, production, signed(run("train-1", 1, namespace=production)))
    verify(1)
    assert re.search(r"built by train-1 \(train-and-stage\), gate enabled; signed by SHA256:", capsys.readouterr().out)


def test_what_production_ran_before_needs_no_run_any_more(
    verify: Callable[..., None], delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    promoted(delivery, 1)
    verify(1, AB_TEST)
    assert "version 1 is in the history of production (promoted): accepted as before" in capsys.readouterr().out


@pytest.mark.parametrize(("cause", "kinds"), [
    ("canary-refused", {PROMOTE, AB_TEST, SHADOW}), ("ab-test", {AB_TEST, SHADOW}), ("shadow", {SHADOW}),
])  # fmt: skip
def test_a_test_lets_a_release_into_no_stricter_kind(cause: str, kinds: set[str]) -> None:
    entries = [entry(1, since="", cause=cause)]
    accepted = {kind for kind in POLICIES if release_command._let_in(entries[0].digest, kind, entries) is not None}
    assert accepted == kinds
    assert release_command._let_in(entries[0].digest, PROMOTE, [entry(1, cause=PROMOTED)]) is not None


def test_without_a_key_production_says_that_it_does_not_verify(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHAINS_PUBLIC_KEY", "")
    release_command.verify(made(1), PROMOTE, [])
    assert capsys.readouterr().out == (
        "---> the provenance is not verified: mlops-endpoints has no CHAINS_PUBLIC_KEY\n"
    )


def test_a_statement_that_comes_a_moment_later_is_waited_for(
    verify: Callable[..., None], lab: Lab, production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_command, "SIGNED_SECONDS", 60.0)
    monkeypatch.setattr(release_command, "POLL_SECONDS", 0.1)
    going_on = run("train-0", 1, succeeded="Unknown", namespace=production)
    del going_on["status"]["completionTime"]
    create(lab, production, going_on)
    later = Timer(0.5, create, (lab, production, signed(run("train-1", 1, namespace=production))))
    later.start()
    began = time.monotonic()
    verify(1)
    assert time.monotonic() - began >= 0.5, "it was accepted before there was a statement"
    later.join()


def test_a_refusal_does_not_wait_for_a_run_that_cannot_change_it(
    verify: Callable[..., None], lab: Lab, production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_command, "SIGNED_SECONDS", 60.0)
    going_on = run("tests-0", 1, pipeline="notebook-to-code", succeeded="Unknown", namespace=production)
    del going_on["status"]["completionTime"]
    create(lab, production, going_on)
    create(lab, production, signed(run("train-1", 1, gate="disabled", namespace=production)))
    began = time.monotonic()
    with pytest.raises(DeliveryError, match="the gate of train-1 was disabled"):
        verify(1)
    assert time.monotonic() - began < 30


def test_the_log_names_the_run_that_is_waited_for(
    verify: Callable[..., None],
    lab: Lab,
    production: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(release_command, "SIGNED_SECONDS", 0.3)
    monkeypatch.setattr(release_command, "POLL_SECONDS", 0.1)
    going_on = run("train-0", 1, succeeded="Unknown", namespace=production)
    del going_on["status"]["completionTime"]
    create(lab, production, going_on)
    with pytest.raises(DeliveryError, match="train-0 has no statement"):
        verify(1)
    assert capsys.readouterr().out.count("s for the statement of train-0") == 1
