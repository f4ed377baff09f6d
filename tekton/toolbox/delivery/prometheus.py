"""Ask Prometheus for counters, and add up how much each grew since a moment.

PromQL's `increase()` extrapolates to the whole window (2 scrapes in 12 seconds become 2.4 times the events), so no
statistical test can use it. The raw samples of a range are fetched and added up here by the rule that `increase()` has
for restarts: a counter that fell has restarted from 0. Each replica is a series of its own.

The address is PROMETHEUS_URL. The token is PROMETHEUS_TOKEN, else the content of PROMETHEUS_TOKEN_FILE, else, with
https, that of the ServiceAccount. With https, the authority is PROMETHEUS_CA_FILE, else OpenShift's service authority.
Thanos' tenancy port (9092) needs the parameter `namespace`, which others ignore.
"""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.errors import DeliveryError

Point = tuple[float, float]
"""Unix seconds and value."""
LOOK_BACK = 60
"""Seconds before the moment in which its last sample is looked for: a dozen scrapes of the lab, four of a cluster."""
AGAIN_SECONDS = 0.5
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Series:
    """One counter's labels and samples, oldest first."""

    labels: Mapping[str, str]
    points: Sequence[Point]


class _AwayError(DeliveryError):
    """The server does not answer, or not yet."""


class Prometheus:
    """One Prometheus server. A request takes at most 10 seconds.

    One that does not answer is asked again for `patience` seconds: a server that restarts has its samples again.
    """

    def __init__(
        self, url: str, namespace: str = "", *, token: str = "", authority: str = "", patience: float = 0.0
    ) -> None:
        self.url, self._namespace, self._token = url.rstrip("/"), namespace, token
        self._patience = patience
        self._tls = ssl.create_default_context(cafile=authority or None) if url.startswith("https") else None

    @classmethod
    def from_environment(cls, namespace: str, patience: float = 0.0) -> Prometheus:
        """As PROMETHEUS_URL and its companions say; DeliveryError names what is missing."""
        url = os.environ.get("PROMETHEUS_URL", "")
        if not url:
            raise DeliveryError(
                "PROMETHEUS_URL is not set: a canary cannot be measured", next="add it to the ConfigMap mlops-endpoints"
            )
        token_file = os.environ.get("PROMETHEUS_TOKEN_FILE", "")
        authority = os.environ.get("PROMETHEUS_CA_FILE", "")
        if url.startswith("https"):
            token_file = token_file or _there(_ACCOUNT / "token")
            authority = authority or _there(_ACCOUNT / "service-ca.crt")
        token = os.environ.get("PROMETHEUS_TOKEN", "")
        if not token and token_file:
            token = Path(token_file).read_text(encoding="utf-8").strip()
        return cls(url, namespace, token=token, authority=authority, patience=patience)

    def range(self, selector: str, since: float) -> list[Series]:
        """The samples of every series of a selector from shortly before `since` until now; DeliveryError."""
        seconds = int(time.time() - since) + LOOK_BACK
        found = self._query(f"{selector}[{seconds}s]")
        return [Series(one["metric"], [(float(t), float(v)) for t, v in one["values"]]) for one in found]

    def now(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        """The labels and the value of each series of a query at this moment; DeliveryError."""
        return [(one["metric"], float(one["value"][1])) for one in self._query(query)]

    def _query(self, query: str) -> list[dict[str, Any]]:
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._answer(query)
            except _AwayError:
                if time.monotonic() >= until:
                    raise
            time.sleep(AGAIN_SECONDS)

    def _answer(self, query: str) -> list[dict[str, Any]]:
        asked = {"query": query} | ({"namespace": self._namespace} if self._namespace else {})
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        request = urllib.request.Request(  # noqa: S310 the configured address
            f"{self.url}/api/v1/query", urllib.parse.urlencode(asked).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._tls) as answer:  # noqa: S310
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            answer = error.read(300).decode("utf-8", "replace")
            # 503 while it reads its samples after a start.
            kind = _AwayError if error.code in (502, 503, 504) else DeliveryError
            raise kind(f"{self.url} answers {error.code} to {asked['query']}: {answer}") from error
        except (OSError, ValueError, KeyError) as error:
            raise _AwayError(f"Prometheus at PROMETHEUS_URL {self.url} does not answer: {error}") from error


def increase(points: Sequence[Point], since: float) -> float:
    """How much one counter grew after `since`.

    The value of its last sample until then is the start. A counter without one began later, and so from 0.
    """
    before = [value for at, value in points if at <= since]
    last, grown = (before[-1] if before else 0.0), 0.0
    for at, value in points:
        if at > since:
            grown += value - last if value >= last else value
            last = value
    return grown


def _there(file: Path) -> str:
    return str(file) if file.exists() else ""
