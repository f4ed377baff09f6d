"""State that the handlers share: the lab, paged lists, and the OpenAPI documents."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workshop.lab.api_errors import Expired
from workshop.lab.kinds import Kinds
from workshop.lab.rbac.policy import Policy
from workshop.lab.records import Record
from workshop.lab.store import Store

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

PAGED_LISTS = 64
"""Maximum number of lists that clients may read page by page at the same time; the oldest is dropped first."""


@dataclass(frozen=True)
class Page:
    """The remaining items of a list, as they were when its first page was read."""

    records: list[Record]
    version: int


@dataclass
class Api:
    """One API server of a lab, with its paged lists and OpenAPI documents."""

    lab: Lab
    _documented: int = -1
    _documents: dict[str, bytes] = field(default_factory=dict)
    _pages: OrderedDict[str, Page] = field(default_factory=OrderedDict)

    @property
    def policy(self) -> Policy:
        return self.lab.policy

    @property
    def store(self) -> Store:
        return self.lab.store

    @property
    def kinds(self) -> Kinds:
        return self.lab.store.kinds

    def documents(self) -> dict[str, bytes]:
        """The OpenAPI documents made so far, by path. A change of the kinds empties the dict."""
        if self._documented != self.kinds.revision:
            self._documented = self.kinds.revision
            self._documents.clear()
        return self._documents

    def keep(self, page: Page) -> str:
        """Keep the remaining items of a list and return the `continue` token that fetches them."""
        token = secrets.token_urlsafe(12)
        self._pages[token] = page
        while len(self._pages) > PAGED_LISTS:
            self._pages.popitem(last=False)
        return token

    def page(self, token: str) -> Page:
        """The remaining items of a list. Raises Expired when they are no longer kept."""
        found = self._pages.get(token)
        if found is None:
            raise Expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new "
                "list without the continue parameter."
            )
        return found
