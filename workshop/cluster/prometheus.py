"""A client of Prometheus's HTTP API: the lab's server, or OpenShift's port for the queries of one project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from workshop.cluster.jsonhttp import SECONDS, NoAnswer, ask


@dataclass(frozen=True)
class Prometheus:
    """One server. OpenShift's port needs a token, and the namespace as a parameter of each query."""

    url: str
    namespace: str = ""
    token: str = ""
    authority: str = ""
    seconds: float = SECONDS

    def value(self, query: str) -> float | None:
        """The value of a query that gives one number; None when it gives no series. Raises NoAnswer."""
        asked = {"query": query} | ({"namespace": self.namespace} if self.namespace else {})
        found = self._get("query", asked)["result"]
        return float(found[0]["value"][1]) if found else None

    def values(self, query: str, label: str) -> dict[str, float]:
        """The values of a query's series by one of their labels; a later series replaces an earlier one.

        Raises NoAnswer.
        """
        asked = {"query": query} | ({"namespace": self.namespace} if self.namespace else {})
        found = self._get("query", asked)["result"]
        return {str(one["metric"].get(label, "")): float(one["value"][1]) for one in found}

    def firing(self) -> list[dict[str, Any]]:
        """The firing alerts, as the API describes them. Raises NoAnswer."""
        return [one for one in self._get("alerts")["alerts"] if one["state"] == "firing"]

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        if not self.url:
            raise NoAnswer("Prometheus does not run")
        words = f"?{urlencode(query)}" if query else ""
        try:
            answer = ask(
                f"{self.url}/api/v1/{path}{words}", token=self.token, authority=self.authority, seconds=self.seconds
            )
        except OSError as e:
            raise NoAnswer(f"Prometheus at {self.url} does not answer: {e}") from e
        data = answer.json.get("data") if isinstance(answer.json, dict) else None
        if answer.status != 200 or not isinstance(data, dict):
            raise NoAnswer(f"Prometheus at {self.url} answers {answer.status}: {answer.text}")
        return data
