"""The description of a component, from which ports, endpoints, variables, doctor and pages follow.

A component is a program that the lab starts (MLflow, Prometheus) or a task that it runs once (the builder image). The
entries are in `workshop.lab.components.COMPONENTS`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from workshop.participants.names import Participant

if TYPE_CHECKING:
    from workshop.lab.lab import Lab


@dataclass(frozen=True)
class Part:
    """The state of one part of the lab, as the console, the report and `workshop status` show it.

    `state` is `starting`, `ready`, `failed`, `stopped` or `missing`; `message` gives the reason; `seconds` is the time
    from the start of the program until it was ready.
    """

    name: str
    state: str
    url: str | None = None
    pid: int | None = None
    message: str = ""
    seconds: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether the lab does not wait for this part."""
        return self.state in ("ready", "missing", "failed")


class Runner(Protocol):
    """Keeps one component running and reports its state with `Lab.show`."""

    async def run(self) -> None:
        """Run until `stop` or, for a task that runs once, until it is done."""
        ...

    async def stop(self) -> None:
        """Stop what `run` started."""
        ...


@dataclass(frozen=True)
class Tool:
    """A program that `workshop doctor` looks for.

    `find` returns its path, or None. If it returns None, `fix` is printed for a program that is `needed`; else
    `otherwise`, which says how the lab works without it.
    """

    name: str
    fix: str = ""
    otherwise: str = ""
    needed: bool = False
    find: Callable[[str], str | None] = shutil.which


@dataclass(frozen=True)
class Station:
    """A component's station on the console's path from notebook to dashboards.

    `name` is the folder of the kit, `fact` the text while the component is ready. `endpoint` is the target of the link;
    empty for the component's own.
    """

    name: str
    fact: str
    endpoint: str = ""


@dataclass(frozen=True)
class ComponentSpec:
    """One component.

    `make` returns the component's runner, or None if the lab works without it on this machine. `port` is the preferred
    port of 127.0.0.1, which is bound by `ports.listen`. A component with a port has an endpoint of its name in
    `workshop status -o json`. `variable` contains this address in the guide and in terminals, `task_variable` in the
    ConfigMap `mlops-endpoints`. `token_variable` contains the lab's token in terminals and in the Secret
    `mlops-credentials`. `title` is the link in the navigation of every page, which opens `page` below the address.
    `login` is the path that accepts a one-time code of the console. Each participant of the lab has their own of a
    `personal` component: runs, models and notebooks have the same names for all. `tool` is a line of the doctor,
    `package` a Python package that `make setup` installs.
    """

    make: Callable[[Lab], Runner | None]
    title: str = ""
    page: str = ""
    login: str = ""
    port: int | None = None
    variable: str = ""
    task_variable: str = ""
    token_variable: str = ""
    station: Station | None = None
    tool: Tool | None = None
    package: str = ""
    personal: bool = False


Components = Mapping[str, ComponentSpec]
"""The components by name, which is also the name of the part, of its port and of its endpoint."""


def personal_name(component: str, participant: Participant) -> str:
    """The name of a component's port and part, when it belongs to a participant who is not the first."""
    return f"{component}-{participant.name}"
