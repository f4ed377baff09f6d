"""One request over HTTP with a JSON body, for services with a REST API: MLflow, Prometheus, model servers."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from workshop.errors import WorkshopError

SECONDS = 10.0


class NoAnswer(WorkshopError):
    """A service does not run, does not answer, or answers with an error; the message says which."""


@dataclass(frozen=True)
class Answer:
    """The status and the body of an HTTP response."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The start of the body, at most 300 bytes, for messages."""
        return self.body[:300].decode(errors="replace")

    @property
    def json(self) -> Any:
        """The decoded body; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def ask(
    url: str, body: bytes | None = None, *, token: str = "", authority: str = "", seconds: float = SECONDS
) -> Answer:
    """Send a GET, or a POST when there is a body.

    `token` is a bearer token, `authority` a file with the certificates that an https server is verified with; the
    system's when it is empty. `seconds` limits each wait for the server. A response with an error status is returned.
    Raises OSError when the server does not answer.
    """
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    trusted = ssl.create_default_context(cafile=authority or None) if url.startswith("https:") else None
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 the addresses are configured
    try:
        with urllib.request.urlopen(request, timeout=seconds, context=trusted) as answer:  # noqa: S310
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as e:
        return Answer(e.code, e.read())
    except http.client.HTTPException as e:
        raise OSError(f"the response is not valid HTTP: {e!r}") from e
