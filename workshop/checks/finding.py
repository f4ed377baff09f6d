"""The results of a check, and the data that it may read."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workshop.manifests.objects import Object

HTTP_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """One task of a module: `reason` says what was seen, `hint` the next command when it is not done."""

    task: str
    ok: bool
    reason: str
    hint: str = ""


class Cluster(Protocol):
    """The part of an API client that checks need, for the lab or a cluster."""

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        ...

    def list(self, kind: str, namespace: str) -> list[Object]:
        """The objects of a kind in a namespace."""
        ...


class Editor(Cluster, Protocol):
    """A cluster in which a reset may undo what a module made."""

    def delete(self, kind: str, namespace: str, name: str, *, missing_ok: bool = False) -> None:
        """Delete an object."""
        ...


@dataclass(frozen=True)
class CheckContext:
    """What a check may look at.

    `values` are the participant's (`workshop.guide.values`), `clone` their clone of the kit, `env` the environment of
    their terminal, in which `git`, `dvc` and `oc` work and MLflow's address and token stand; `on`: `lab` or `cluster`.
    """

    cluster: Cluster
    values: Mapping[str, str]
    clone: Path
    env: Mapping[str, str] = field(default_factory=dict)
    on: str = "lab"

    @property
    def where_things_are(self) -> str:
        """The next command if a server does not answer."""
        return (
            "workshop status"
            if self.on == "lab"
            else f"oc describe configmap mlops-endpoints -n {self.namespace('dev')}"
        )

    def namespace(self, stage: str) -> str:
        """The namespace of `dev`, `staging` or `production`."""
        return self.values[f"{stage.upper()}_NAMESPACE"]


Check = Callable[[CheckContext], list[Finding]]
Reset = Callable[[CheckContext, Editor], list[str]]
"""Undoes what a module made, and returns a sentence about it."""


def post_json(url: str, body: bytes) -> tuple[int, Any]:
    """Status and decoded answer of a POST; None if it is not JSON. Raises OSError if there is no answer."""
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
