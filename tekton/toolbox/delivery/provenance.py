"""The provenance of an image: the statement that Tekton Chains has signed for the PipelineRun that built it.

Chains stores it in annotations of the run (its storage `tekton`): a DSSE envelope with an in-toto Statement v1 whose
predicate is SLSA's provenance v1. Its subjects are the images, its byproducts the results of the run
(github.com/tektoncd/chains, docs/predicate/slsa/v2.md, format slsa/v2alpha4; DSSE:
github.com/secure-systems-lab/dsse, protocol.md). Everybody with `edit` in the namespace can write annotations, so only
what the signature covers counts.

A statement proves that a run of a Pipeline of that name has built the image, with these results. It does not prove what
the Pipeline did: whoever can edit it can change its tasks.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from delivery.asking import AB_TEST, PROMOTE, SHADOW
from delivery.errors import DeliveryError

SIGNED = "chains.tekton.dev/signed"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
KEY = "CHAINS_PUBLIC_KEY"
"""The key of the ConfigMap mlops-endpoints in production: the public key as PEM, Chains' cosign.pub."""
IMAGE_DIGEST, GATE_MODE, GATE_PASSED, GATE_MARGIN = "IMAGE_DIGEST", "gate-mode", "gate-passed", "gate-margin"
"""Results of a PipelineRun that verification reads; Chains finds images by names that end with the first one."""
TRAIN, AB_TRAIN = ("train-and-stage", "retrain"), "ab-test"
_AGAIN = "workshop run tekton/runs/train-and-stage.yaml builds it again, with a statement"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which statements production accepts for a kind of change: the Pipelines, and the modes of the gate."""

    kind: str
    pipelines: tuple[str, ...]
    gates: tuple[str, ...]


POLICIES = {
    PROMOTE: Policy("a promotion", TRAIN, ("enabled",)),
    # Callers get its answers, so the gate must have looked. Its objection may be that the champion is better.
    AB_TEST: Policy("an A/B test", (*TRAIN, AB_TRAIN), ("enabled", "dry-run")),
    # Its answers are discarded.
    SHADOW: Policy("a shadow", (*TRAIN, AB_TRAIN), ("enabled", "dry-run", "disabled")),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement says. `digests` are the images' (sha256:...), `results` those of the run by name."""

    run: str
    pipeline: str
    digests: tuple[str, ...]
    results: Mapping[str, Any]
    invocation: str
    builder: str

    @property
    def gate(self) -> str:
        """The mode of the gate; `unknown` where no gate is among the results."""
        return str(self.results.get(GATE_MODE) or "unknown")


def signature_name(uid: str) -> str:
    """The annotation with the envelope of a PipelineRun."""
    return f"chains.tekton.dev/signature-pipelinerun-{uid}"


def payload_name(uid: str) -> str:
    """The annotation with the statement alone, which nothing protects."""
    return f"chains.tekton.dev/payload-pipelinerun-{uid}"


def encoded_for_signing(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding of type and payload."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def public_key(pem: str) -> ec.EllipticCurvePublicKey:
    """The key of a PEM text. DeliveryError for another kind than cosign makes."""
    try:
        found = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise DeliveryError(f"{KEY} is not a public key as PEM: {error}", next=f"{_COPY}") from error
    if not isinstance(found, ec.EllipticCurvePublicKey):
        raise DeliveryError(f"{KEY} is a {type(found).__name__}; allowed: ECDSA, as cosign makes it", next=_COPY)
    return found


_COPY = "workshop/FACILITATOR.md says how to copy cosign.pub from the Secret signing-secrets"


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """The name of a key in an envelope: SHA256: and the fingerprint that ssh-keygen prints."""
    wire = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(wire)).digest()).decode().rstrip("=")


def statement_of(run: Mapping[str, Any], key: ec.EllipticCurvePublicKey | None) -> Statement:
    """The statement of a PipelineRun, if the key has signed it; without a key, unverified.

    DeliveryError when there is none, when it is not signed with the key, and when it is no provenance.
    """
    name, uid = run["metadata"]["name"], run["metadata"].get("uid", "")
    text = (run["metadata"].get("annotations") or {}).get(signature_name(uid))
    if not text:
        raise DeliveryError(f"{name} has no statement of Tekton Chains", next=_AGAIN)
    try:
        envelope = json.loads(base64.b64decode(text))
        payload = base64.b64decode(envelope["payload"])
        signatures = [base64.b64decode(one["sig"]) for one in envelope["signatures"]]
        of_type = envelope["payloadType"] == PAYLOAD_TYPE
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DeliveryError(f"the statement of {name} cannot be read: {error}", next=_AGAIN) from error
    if key is not None and not (of_type and any(_verifies(key, one, payload) for one in signatures)):
        raise DeliveryError(
            f"the statement of {name} is not signed with the key {fingerprint(key)} ({KEY})", next=_AGAIN
        )
    return _statement(name, payload)


def _verifies(key: ec.EllipticCurvePublicKey, signature: bytes, payload: bytes) -> bool:
    try:
        key.verify(signature, encoded_for_signing(payload), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _statement(name: str, payload: bytes) -> Statement:
    try:
        content = json.loads(payload)
        if (content["_type"], content["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise DeliveryError(
                f"the statement of {name} is a {content['predicateType']}, allowed: {PREDICATE_TYPE}",
                next="set artifacts.pipelinerun.format of Tekton Chains to slsa/v2alpha4",
            )
        definition, details = content["predicate"]["buildDefinition"], content["predicate"]["runDetails"]
        reference = definition["externalParameters"]["runSpec"].get("pipelineRef") or {}
        results = {}
        for one in details.get("byproducts") or []:
            kind, _, result = str(one["name"]).partition("/")
            if kind == "pipelineRunResults":
                results[result.rpartition("/")[2]] = json.loads(base64.b64decode(one["content"]))
        return Statement(
            run=name,
            # A Pipeline of another place has a resolver, and an embedded one no reference: neither is the kit's.
            pipeline="" if reference.get("resolver") else str(reference.get("name") or ""),
            digests=tuple(f"sha256:{one['digest']['sha256']}" for one in content.get("subject") or []),
            results=results,
            invocation=str((details.get("metadata") or {}).get("invocationId") or ""),
            builder=str(details["builder"]["id"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeliveryError(f"the statement of {name} is no provenance: {type(error).__name__}: {error}") from error


def built(run: Mapping[str, Any]) -> set[str]:
    """The digests that a PipelineRun says it has built: by its results, and by its statement, unverified."""
    results = (run.get("status") or {}).get("results") or []
    found = {str(one.get("value")) for one in results if str(one.get("name")).endswith(IMAGE_DIGEST)}
    try:
        return found | set(statement_of(run, None).digests)
    except DeliveryError:
        return found


def proven(
    runs: Iterable[Mapping[str, Any]], digest: str, key: ec.EllipticCurvePublicKey, policy: Policy, where: str
) -> Statement:
    """The statement that lets production take a digest. `where` is the namespace of the runs.

    DeliveryError says why each run that has built the digest does not count.
    """
    objections = []
    for run in runs:
        if digest not in built(run):
            continue
        try:
            return _accepted(statement_of(run, key), digest, policy)
        except DeliveryError as error:
            objections.append(error)
    if not objections:
        raise DeliveryError(
            f"no PipelineRun in {where} has built {digest}: it was deleted, or the image comes from elsewhere",
            next=_AGAIN,
        )
    raise DeliveryError("; ".join(one.message for one in objections), next=objections[0].next or _AGAIN)


def _accepted(statement: Statement, digest: str, policy: Policy) -> Statement:
    """The statement, if the policy takes it for the digest. DeliveryError."""
    name = statement.run
    if digest not in statement.digests:
        raise DeliveryError(f"the statement of {name} is about {_listed(statement.digests)}, not about {digest}")
    if statement.pipeline not in policy.pipelines:
        what = f"the Pipeline {statement.pipeline}" if statement.pipeline else "no Pipeline of this namespace"
        raise DeliveryError(f"{name} is a run of {what}; {policy.kind} takes {_listed(policy.pipelines)}")
    if statement.gate not in policy.gates:
        raise DeliveryError(
            f"the gate of {name} was {statement.gate}; {policy.kind} takes a model whose gate was "
            f"{_listed(policy.gates)}",
            next="workshop run tekton/runs/train-and-stage.yaml, without gate-mode",
        )
    if statement.gate == "enabled" and statement.results.get(GATE_PASSED) != "true":
        raise DeliveryError(f"the gate of {name} was closed for the model")
    return statement


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names) or "nothing"
