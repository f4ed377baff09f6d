"""Signs the statement of a finished PipelineRun and stores it in annotations, once."""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from delivery.provenance import PAYLOAD_TYPE, SIGNED, encoded_for_signing, fingerprint, payload_name, signature_name

from workshop.lab.controllers.chains.statement import statement
from workshop.lab.controllers.loop import Loop
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import annotations_of, is_done


class Chains:
    """Reconciles PipelineRuns; all its state is in the store."""

    def __init__(self, store: Store, key: ec.EllipticCurvePrivateKey) -> None:
        self._store, self._key = store, key
        self._runs = built_in("PipelineRun")

    def loop(self) -> Loop:
        """The loop that calls `reconcile`."""
        return Loop("chains", self._store, self.reconcile, owns=self._runs)

    async def reconcile(self, namespace: str, name: str) -> None:
        """Sign a run that is finished and has built an image, also one that has failed after that, as Chains does."""
        run = self._store.find(self._runs, namespace, name)
        if run is None or not is_done(run) or SIGNED in annotations_of(run):
            return
        made = statement(run)
        if made is None:
            return
        payload = json.dumps(made, separators=(",", ":")).encode()
        uid = str(run["metadata"]["uid"])
        added = {
            payload_name(uid): base64.b64encode(payload).decode(),
            signature_name(uid): base64.b64encode(self._envelope(payload)).decode(),
            SIGNED: "true",
        }
        meta = {**run["metadata"], "annotations": {**annotations_of(run), **added}}
        self._store.update(self._runs, {**run, "metadata": meta})

    def _envelope(self, payload: bytes) -> bytes:
        """DSSE's envelope with one signature, ECDSA over SHA-256 as cosign makes it."""
        signature = self._key.sign(encoded_for_signing(payload), ec.ECDSA(SHA256()))
        content = {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": fingerprint(self._key.public_key()), "sig": base64.b64encode(signature).decode()}],
        }
        return json.dumps(content, separators=(",", ":")).encode()
