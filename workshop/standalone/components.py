"""Runs the tests of components, one after the other in one engine, each in a namespace of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from workshop import output
from workshop.cluster.runs import Progress
from workshop.components.component import Component
from workshop.errors import WorkshopError
from workshop.standalone.builder import make_builder
from workshop.standalone.engine import Engine
from workshop.standalone.following import Follower
from workshop.standalone.objects import admit_all, start


async def test_all(
    here: Engine, components: Sequence[Component], stops: Sequence[asyncio.Event], *, timeout: float, quiet: bool
) -> tuple[list[Progress], WorkshopError | None]:
    """The runs of the tests when they are done, and what has ended them early. Raises ManifestError.

    `timeout` is in seconds, for one component. A component that fails does not keep the others from their tests.
    """
    admitted = [(one, admit_all(here, one.test_documents(), _namespace(one, components))) for one in components]
    await asyncio.to_thread(make_builder, here)
    finished: list[Progress] = []
    async with here.running():
        for one, taken in admitted:
            if not quiet:
                output.note(f"---> {one.name} {one.version}")
            runs = [start(here, run) for run in taken.runs]
            done, problem = await Follower(here, stops, quiet=quiet).follow(runs, timeout=timeout)
            finished += done
            if problem or any(stop.is_set() for stop in stops):
                return finished, problem
    return finished, None


def _namespace(component: Component, components: Sequence[Component]) -> str:
    """The name of the component; with a number for the second of the same name."""
    same = [one for one in components if one.name == component.name]
    number = same.index(component)
    return f"{component.name}-{number}" if number else component.name
