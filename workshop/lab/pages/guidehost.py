"""What the guide's pages need of where they are shown: the lab's console, or a participant's server on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from workshop.checks import CheckContext
from workshop.lab.endpoints import endpoints, variables
from workshop.lab.lab import Lab
from workshop.lab.pages import html
from workshop.lab.pages.checking import check_context
from workshop.lab.pages.jobs import Jobs
from workshop.lab.pages.terminal.shells import COUNT
from workshop.lab.progress import progress, remember
from workshop.participants.progress import Change, Progress
from workshop.participants.target import LAB


class GuideHost(Protocol):
    """One participant's guide."""

    kit: Path
    where: str
    """`lab` or `cluster`: which of the text's marked parts are shown."""
    terminals: int
    """Terminals of a module's page."""
    jobs: Jobs

    def values(self) -> Mapping[str, str]:
        """The names and addresses in the text, by variable. Raises SetupError."""
        ...

    def context(self) -> CheckContext:
        """The input of a check, in a worker thread. Raises SetupError."""
        ...

    def progress(self) -> Progress:
        """The results of checks, and the request for help. Raises ApiFailure."""
        ...

    def remember(self, change: Callable[[Progress], Change]) -> Progress:
        """Write a change of the progress; the progress after it. Raises ApiFailure."""
        ...

    def page(self, request: Request, template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
        """A whole page."""
        ...


class LabGuide:
    """The guide of the lab's console."""

    where = LAB
    terminals = COUNT

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.kit = lab.kit
        self.jobs = Jobs.of_the_lab(lab.paths)

    def values(self) -> Mapping[str, str]:
        """The participant's names, and the addresses of parts that run."""
        return self._lab.participant.variables(variables(endpoints(self._lab), self._lab.components))

    def context(self) -> CheckContext:
        """The participant's objects as the lab's store has them."""
        return check_context(self._lab)

    def progress(self) -> Progress:
        """What the store has."""
        return progress(self._lab.store, self._lab.participant)

    def remember(self, change: Callable[[Progress], Change]) -> Progress:
        """Write to the store, in the event loop that owns it."""
        return remember(self._lab.store, self._lab.participant, change)

    def page(self, request: Request, template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
        """A page of the console."""
        return html.page(self._lab, request, template, values, status=status)
