"""PipelineRuns that the lab's Tekton Chains has signed, without a lab around them."""

from __future__ import annotations

import asyncio
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from workshop.lab.controllers.chains.reconcile import Chains
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import Object

RUNS = built_in("PipelineRun")
DEV = "user1-dev"
IMAGE = "image-registry.openshift-image-registry.svc:5000/user1-dev/flight-delay"
COMMIT, DATA = "c" * 40, "d" * 12
FILES = '{"data/flights-2013-01.csv":"0123456789abcdef0123456789abcdef"}'
KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """The public key as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def digest(version: int) -> str:
    """The digest of a version's image."""
    return f"sha256:{version:064x}"


def run(
    name: str,
    version: int,
    *,
    pipeline: str = "train-and-stage",
    gate: str = "enabled",
    passed: str = "true",
    namespace: str = DEV,
    succeeded: str = "True",
    **spec: Any,
) -> Object:
    """A finished run that has built the image of a version; `version` 0 has built none."""
    built = {"IMAGE_URL": f"{IMAGE}:{COMMIT}", "IMAGE_DIGEST": digest(version)} if version else {}
    results: dict[str, Any] = {
        **built,
        "image-digest": built.get("IMAGE_DIGEST", ""),
        "commit": COMMIT,
        "CHAINS-GIT_COMMIT": COMMIT,
        "CHAINS-GIT_URL": "http://git.example/user1/mlops-workshop",
        "data-ARTIFACT_INPUTS": {"uri": f"dvc:data@{DATA}", "digest": "sha256:" + "e" * 64},
        "data-version": DATA,
        "data-files": FILES,
        "model-version": str(version),
        "gate-mode": gate,
        "gate-passed": passed,
    }
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"pipelineRef": {"name": pipeline}, **spec},
        "status": {
            "startTime": "2026-11-29T14:00:00Z",
            "completionTime": "2026-11-29T14:01:00Z",
            "conditions": [{"type": "Succeeded", "status": succeeded}],
            "results": [{"name": name, "value": value} for name, value in results.items() if value != ""],
        },
    }


def stored(store: Store, made: Object) -> Object:
    """The run as a controller has left it, status included."""
    if store.find(built_in("Namespace"), "", made["metadata"]["namespace"]) is None:
        store.create(built_in("Namespace"), {"metadata": {"name": made["metadata"]["namespace"]}})
    created = store.create(RUNS, {key: value for key, value in made.items() if key != "status"})
    return store.update_status(RUNS, {**created, "status": made["status"]}).object()


def signed(made: Object, key: ec.EllipticCurvePrivateKey = KEY) -> Object:
    """The run with its statement."""
    store = Store()
    name = stored(store, made)["metadata"]["name"]
    asyncio.run(Chains(store, key).reconcile(made["metadata"]["namespace"], name))
    return store.get(RUNS, made["metadata"]["namespace"], name)
