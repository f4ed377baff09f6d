"""The objects of a list or a watch: those that its selectors choose, and of Projects those that the user may see."""

from __future__ import annotations

from collections.abc import Callable

from workshop.lab.api.context import Api
from workshop.lab.api.discovery import PROJECT
from workshop.lab.api.request import Target
from workshop.lab.api.selecting import selector
from workshop.lab.api.views import View
from workshop.lab.rbac.attributes import Attributes
from workshop.lab.records import Record


def chosen(api: Api, view: View, target: Target) -> Callable[[Record], bool]:
    """A predicate of records. Everybody may list Projects, and sees those whose Namespace they may get.

    Raises BadRequest for a selector that cannot be parsed.
    """
    matches = selector(view.stored, target)
    if view.kind is not PROJECT or target.user.is_master:
        return matches

    def visible(record: Record) -> bool:
        wanted = Attributes("get", "", "namespaces", record.name, record.name)
        return matches(record) and api.policy.decide(target.user, wanted).allowed

    return visible
