"""Get and list: one object or many, as JSON or as a Table."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.api import answers
from workshop.lab.api.choosing import chosen
from workshop.lab.api.context import Api, Page
from workshop.lab.api.request import Target, number
from workshop.lab.api.tables import objects, table
from workshop.lab.api.views import View
from workshop.lab.api_errors import NotFound
from workshop.lab.records import Record
from workshop.lab.store import not_found


def as_table(request: Request) -> bool:
    """Whether the client prefers a Table."""
    first = request.headers.get("accept", "").split(",")[0]
    return "as=Table" in first


def one(api: Api, view: View, target: Target, request: Request) -> Response:
    """An object. Raises NotFound."""
    record = record_of(api, view, target)
    if as_table(request):
        meta = {"resourceVersion": str(record.version)}
        return answers.json(table(view.kind, [view.object(record)], meta, include=included(target)))
    return answers.json(view.body(record))


def record_of(api: Api, view: View, target: Target) -> Record:
    """The stored object that a request names. Raises NotFound, which names the kind of the request."""
    try:
        return api.store.record(view.stored, target.namespace, target.name)
    except NotFound:
        raise not_found(view.kind, target.name) from None


def many(api: Api, view: View, target: Target, request: Request) -> Response:
    """A list, or a page of it. Raises BadRequest, Expired."""
    limit = number(target.query, "limit") or 0
    token = target.query.get("continue")
    if token:
        page = api.page(token)
    else:
        matches = chosen(api, view, target)
        records = api.store.records(view.stored, target.namespace or None)
        page = Page([record for record in records if matches(record)], api.store.version)
    meta: dict[str, Any] = {"resourceVersion": str(page.version)}
    shown, rest = (page.records[:limit], page.records[limit:]) if limit > 0 else (page.records, [])
    if rest:
        meta["continue"] = api.keep(Page(rest, page.version))
        if not (target.query.get("labelSelector") or target.query.get("fieldSelector")):
            meta["remainingItemCount"] = len(rest)
    if as_table(request):
        include = included(target)
        return answers.json(table(view.kind, objects(view, shown, include), meta, include=include))
    head = orjson.dumps({"kind": f"{view.kind.kind}List", "apiVersion": view.kind.api_version, "metadata": meta})
    return answers.json(head[:-1] + b',"items":[' + b",".join(map(view.body, shown)) + b"]}")


def included(target: Target) -> str:
    """How much of each object a Table carries."""
    return target.query.get("includeObject") or "Metadata"
