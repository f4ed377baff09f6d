"""The token for MLflow is no longer valid; the pipeline says which Secret to renew."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass

from workshop.cluster.client import Client
from workshop.drills.commits import Commit
from workshop.drills.drill import Note, Place
from workshop.errors import SetupError
from workshop.participants.names import CREDENTIALS

KEY, KEPT = "MLFLOW_TRACKING_TOKEN", "drill-expired-secret"
"""The key of the Secret, and the Secret that keeps the valid value while the drill lasts."""
PATTERN = r"renew MLFLOW_TRACKING_TOKEN"


@dataclass(frozen=True)
class ExpiredSecret:
    """Replaces the token in the participant's own Secret, and brings it back."""

    title: str = "the token for MLflow has expired"
    look: str = "the run's page: train is red, and its log names MLFLOW_TRACKING_TOKEN"
    catcher: str = "Task train"

    def run(self, place: Place, note: Note, seconds: float) -> str:
        """Keep the valid token in a Secret of its own, replace it, and run the pipeline."""
        client, namespace = place.target.client(), place.target.namespace()
        self._restore(client, namespace)
        secret = client.find("Secret", namespace, CREDENTIALS)
        value = ((secret or {}).get("data") or {}).get(KEY)
        if not value:
            raise SetupError(f"Secret {CREDENTIALS} in {namespace} has no {KEY}", hint="workshop status")
        kept = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": KEPT},
            "type": "Opaque",
            "data": {KEY: value},
        }
        client.create(kept, namespace)
        _set(client, namespace, base64.b64encode(f"expired-{secrets.token_hex(8)}".encode()).decode())
        note(f"replaced {KEY} in Secret {CREDENTIALS}")
        return _REFUSED.run(place, note, seconds)

    def stop(self, place: Place, note: Note) -> list[str]:
        """Bring the token back, also when Git does not answer."""
        said = []
        if self._restore(place.target.client(), place.target.namespace()):
            said.append(f"brought {KEY} back in Secret {CREDENTIALS}")
        return said + _REFUSED.stop(place, note)

    def _restore(self, client: Client, namespace: str) -> bool:
        kept = client.find("Secret", namespace, KEPT)
        if kept is None:
            return False
        _set(client, namespace, kept["data"][KEY])
        client.delete("Secret", namespace, KEPT, missing_ok=True)
        return True


def _set(client: Client, namespace: str, value: str) -> None:
    client.patch("Secret", namespace, CREDENTIALS, {"data": {KEY: value}})


_REFUSED = Commit(
    name="expired-secret",
    title="the token for MLflow has expired",
    look="",
    change=lambda model, env: None,
    task="train",
    pattern=PATTERN,
)
DRILL = ExpiredSecret()
