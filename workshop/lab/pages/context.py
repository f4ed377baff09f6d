"""What the pages know of the lab: handed in by whoever serves them, so that they start nothing themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.pages.terminal.shells import Shells
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.store import Store


@dataclass(frozen=True)
class Component:
    """One program of the lab as `workshop status` lists it.

    `state` is `starting`, `ready`, `failed`, `stopped` or `missing`; `message` says why, in words.
    """

    name: str
    state: str
    url: str | None = None
    pid: int | None = None
    rss_bytes: int | None = None
    message: str = ""


def _none() -> Sequence[Component]:
    return ()


@dataclass(frozen=True)
class Context:
    """The running lab, as the pages see it.

    `endpoints` is asked at every request: the same names and URLs as `workshop status -o json` prints, None
    for a part that is not there. `user` names the participant: the namespaces are `<user>-dev`, `-staging`,
    `-production`.
    """

    store: Store
    state: LabPaths
    token: str
    endpoints: Callable[[], Mapping[str, str | None]]
    components: Callable[[], Sequence[Component]] = _none
    prometheus_url: str | None = None
    shells: Shells | None = None
    kit: Path = KIT
    user: str = "user1"

    def namespace(self, stage: str) -> str:
        """The namespace of a stage: `dev`, `staging` or `production`."""
        return f"{self.user}-{stage}"
