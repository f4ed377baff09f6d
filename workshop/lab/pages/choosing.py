"""Which use case a page of measures is about: the kit's own, or the one that the URL names."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from workshop.checks.served import MAIN, Served, served
from workshop.errors import WorkshopError
from workshop.lab.pages.guidehost import GuideHost

PARAMETER = "deployment"


def known_use_cases(host: GuideHost) -> list[Served]:
    """The kit's use case and the deployed ones, or the kit's alone when the cluster fails. Call it in a thread."""
    try:
        return served(host.context())
    except WorkshopError:
        return [MAIN]


def chosen(choices: Sequence[Served], request: Request) -> Served:
    """The one that the URL names by its deployment, else the kit's own."""
    wanted = request.query_params.get(PARAMETER, "")
    return next((one for one in choices if one.deployment == wanted), MAIN)
