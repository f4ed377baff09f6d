"""What a check finds out, and what it may look at."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Object = dict[str, Any]
HTTP_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """One task of a module: `reason` says what was seen, `hint` the next command when it is not done."""

    task: str
    ok: bool
    reason: str
    hint: str = ""


class Cluster(Protocol):
    """The part of an API client that checks need: the lab's or a cluster's."""

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        ...

    def list(self, kind: str, namespace: str) -> list[Object]:
        """The objects of a kind in a namespace."""
        ...


@dataclass(frozen=True)
class CheckContext:
    """What a check may look at. `values` are the participant's (`workshop.guide.values`), `kit` the files."""

    cluster: Cluster
    values: Mapping[str, str]
    kit: Path

    def namespace(self, stage: str) -> str:
        """The namespace of `dev`, `staging` or `production`."""
        return self.values[f"{stage.upper()}_NAMESPACE"]


Check = Callable[[CheckContext], list[Finding]]


def post_json(url: str, body: bytes) -> tuple[int, Any]:
    """Status and decoded answer of a POST; None when it is no JSON. Raises OSError when nobody answers."""
    request = urllib.request.Request(  # noqa: S310 the address comes from the lab
        url, data=body, headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:  # noqa: S310
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as e:
        status, text = e.code, e.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None
