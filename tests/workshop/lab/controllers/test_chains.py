"""The lab's Tekton Chains: which runs it signs, and what a statement says, in the words of SLSA and Chains."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.signedruns import COMMIT, DEV, IMAGE, KEY, RUNS, digest, run, signed, stored
from workshop.errors import SetupError
from workshop.lab.controllers.chains.reconcile import Chains
from workshop.lab.paths import LabPaths
from workshop.lab.signing import public_pem, signing_key
from workshop.lab.store import Store
from workshop.manifests.objects import Object, annotations_of


def annotation(found: Object, what: str) -> Any:
    """A decoded annotation: payload or signature."""
    uid = found["metadata"]["uid"]
    return json.loads(base64.b64decode(annotations_of(found)[f"chains.tekton.dev/{what}-pipelinerun-{uid}"]))


def test_the_envelope_is_signed_over_dsses_encoding_with_ecdsa_and_sha256() -> None:
    found = signed(run("train-1", 1))
    assert annotations_of(found)["chains.tekton.dev/signed"] == "true"
    envelope = annotation(found, "signature")
    payload = base64.b64decode(envelope["payload"])
    assert json.loads(payload) == annotation(found, "payload")
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    (signature,) = envelope["signatures"]
    assert signature["keyid"].startswith("SHA256:")
    encoded = f"DSSEv1 28 application/vnd.in-toto+json {len(payload)} ".encode() + payload
    KEY.public_key().verify(base64.b64decode(signature["sig"]), encoded, ec.ECDSA(SHA256()))


def test_the_statement_names_image_sources_and_results_as_chains_does() -> None:
    found = signed(run("train-1", 1, params=[{"name": "revision", "value": "mine"}]))
    made = annotation(found, "payload")
    assert (made["_type"], made["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert made["subject"] == [{"name": IMAGE, "digest": {"sha256": digest(1).removeprefix("sha256:")}}]
    definition = made["predicate"]["buildDefinition"]
    assert definition["buildType"] == "https://tekton.dev/chains/v2/slsa"
    assert definition["externalParameters"] == {
        "runSpec": {"pipelineRef": {"name": "train-and-stage"}, "params": [{"name": "revision", "value": "mine"}]}
    }
    assert definition["resolvedDependencies"] == [
        {"name": "inputs/result", "uri": f"dvc:data@{'d' * 12}", "digest": {"sha256": "e" * 64}},
        {
            "name": "inputs/result",
            "uri": "git+http://git.example/user1/mlops-workshop.git",
            "digest": {"sha1": COMMIT},
        },
    ]
    details = made["predicate"]["runDetails"]
    assert details["builder"] == {"id": "https://tekton.dev/chains/v2"}
    assert details["metadata"] == {
        "invocationId": found["metadata"]["uid"],
        "startedOn": "2026-11-29T14:00:00Z",
        "finishedOn": "2026-11-29T14:01:00Z",
    }
    named = {one["name"]: json.loads(base64.b64decode(one["content"])) for one in details["byproducts"]}
    assert named["pipelineRunResults/train-1/gate-mode"] == "enabled"
    assert not any("IMAGE" in name for name in named)


def test_a_run_that_goes_on_or_has_built_no_image_is_not_signed() -> None:
    assert "chains.tekton.dev/signed" not in annotations_of(signed(run("train-1", 1, succeeded="Unknown")))
    assert "chains.tekton.dev/signed" not in annotations_of(signed(run("train-1", 0)))


def test_a_run_is_signed_once() -> None:
    store, chains = Store(), Chains(Store(), KEY)
    chains = Chains(store, KEY)
    stored(store, run("train-1", 1))
    asyncio.run(chains.reconcile(DEV, "train-1"))
    once = store.get(RUNS, DEV, "train-1")
    asyncio.run(chains.reconcile(DEV, "train-1"))
    assert store.get(RUNS, DEV, "train-1") == once


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    first = public_pem(paths)
    assert first.startswith("-----BEGIN PUBLIC KEY-----")
    assert public_pem(LabPaths(tmp_path)) == first
    assert signing_key(paths).curve.name == "secp256r1"
    assert stat.S_IMODE(paths.signing_key.stat().st_mode) == 0o600


def test_a_damaged_key_is_an_error_with_its_file(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    public_pem(paths)
    paths.signing_key.write_text("nonsense")
    with pytest.raises(SetupError, match=r"signing\.key is not a key"):
        signing_key(paths)
