"""Asks production for a change and finds the run that this starts.

A participant has no right to change production. The address and the secret of its EventListener are in their dev
namespace, so everybody who works there may ask.
"""

from __future__ import annotations

import base64
import time

from delivery.asking import EVENT_LABEL, MAIN, ask
from delivery.errors import DeliveryError

from workshop.cluster.client import Client
from workshop.errors import RunFailed, SetupError
from workshop.manifests.objects import Object, labels_of
from workshop.operations.approvals import identities
from workshop.participants.cluster import task_addresses

SECRET, KEY = "production-webhook", "secret"
APPEARS_SECONDS = 20.0


def asked(client: Client, dev: str, kind: str, *, usecase: str = MAIN, version: str = "", because: str = "") -> Object:
    """Ask for a promotion or a rollback; the PipelineRun that production starts.

    `dev` is the participant's dev namespace, `usecase` the folder of the use case. Raises SetupError when the address
    or the secret is missing or no run starts, RunFailed when the listener does not answer.
    """
    known = task_addresses(client, dev)
    found = client.find("Secret", dev, SECRET) or {}
    secret = base64.b64decode((found.get("data") or {}).get(KEY, "")).decode()
    url, production = known.get("PRODUCTION_LISTENER_URL", ""), known.get("PRODUCTION_NAMESPACE", "")
    if not secret or not url:
        missing = f"Secret {SECRET} has no {KEY}" if url else "ConfigMap mlops-endpoints has no PRODUCTION_LISTENER_URL"
        raise SetupError(f"{dev}: {missing}", hint="workshop cohort provision makes both; in the lab, workshop up")
    by, _ = identities(client)
    try:
        event = ask(url, secret, kind, by=by, usecase=usecase, version=version, because=because)
    except DeliveryError as e:
        raise RunFailed(e.message, hint=f"oc get eventlistener production -n {production}") from e
    deadline = time.monotonic() + APPEARS_SECONDS
    while True:
        for run in client.list("PipelineRun", production):
            if labels_of(run).get(EVENT_LABEL) == event:
                return run
        if time.monotonic() > deadline:
            raise SetupError(
                f"production has started no {kind} for event {event}",
                hint=f"oc describe eventlistener production -n {production} says why",
            )
        time.sleep(0.1)
