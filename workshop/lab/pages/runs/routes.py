"""The routes of the runs: pages, their live parts, change notifications, logs, and answers to approvals."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.lab.api.answers import Stream
from workshop.lab.api_errors import ApiError
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages import html
from workshop.lab.pages.checking import check_context
from workshop.lab.pages.runs import approvals, evidence, logs
from workshop.lab.pages.runs.listing import OWNER, Rows, is_alone
from workshop.lab.pages.runs.page import run_page, task_page
from workshop.lab.pages.runs.streams import MEDIA_TYPE, notifications
from workshop.lab.records import Record
from workshop.languages.catalog import N_
from workshop.manifests.objects import Object, labels_of

RUN_KINDS = ("PipelineRun", "TaskRun", "CustomRun", "ApprovalTask")
BODY_LIMIT = 8192
PARTS_KEPT = 64
Shown = Callable[[Request], Mapping[str, object]]


class Answer(msgspec.Struct, frozen=True):
    """The form of an approval's buttons."""

    answer: str
    message: str = ""


def run_routes(lab: Lab, rows: Rows) -> list[BaseRoute]:
    """Every page about runs."""
    parts = _Parts(lab)
    return [
        *_list_routes(lab, rows, parts),
        *_within_sight(lab, _run_routes(lab, parts)),
        *_within_sight(lab, _answer_routes(lab)),
        *_within_sight(lab, _log_routes(lab)),
    ]


def _within_sight(lab: Lab, made: Sequence[Route]) -> list[BaseRoute]:
    """The routes, for namespaces only that the participant may see; others have no runs, as far as a page says."""

    def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if lab.sees(request.path_params["namespace"]):
                return await endpoint(request)
            return _not_found(lab, request, "run")

        return answer

    return [Route(one.path, guarded(one.endpoint), methods=sorted(one.methods or ())) for one in made]


class _Parts:
    """The rendered parts by URL, as of one state of the store: many open pages of one run cost one rendering."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._known: OrderedDict[tuple[str, str], tuple[int, str]] = OrderedDict()

    def answer(self, request: Request, whole: str, live: str, shown: Shown) -> Response:
        """The whole page, or with `?part=live` the part that a script replaces."""
        if request.query_params.get("part") != "live":
            return html.page(self._lab, request, whole, shown(request))
        language = html.language_of(request)
        key, version = (language.tag, str(request.url)), self._lab.store.version
        known = self._known.pop(key, None)
        if known is None or known[0] != version:
            known = version, html.render(live, shown(request), language)
        self._known[key] = known
        if len(self._known) > PARTS_KEPT:
            self._known.popitem(last=False)
        return html.sent(request, known[1])


def _list_routes(lab: Lab, rows: Rows, parts: _Parts) -> list[BaseRoute]:
    def shown(request: Request) -> Mapping[str, object]:
        query = request.query_params
        return {
            "list": rows.listing(query.get("pipeline", ""), query.get("state", "")),
            "of_commits": not lab.oversees and _has_repositories(lab),
        }

    async def index(request: Request) -> Response:
        return parts.answer(request, "runs/list.html", "runs/list-live.html", shown)

    async def follow(_: Request) -> Response | Stream:
        mine = lab.shown

        def wanted(record: Record) -> bool:
            return record.kind.kind in RUN_KINDS and record.namespace in mine

        return Stream(notifications(lab.store, wanted), MEDIA_TYPE)

    return [Route("/runs", index), Route("/runs/events", follow)]


def _run_routes(lab: Lab, parts: _Parts) -> list[Route]:
    store = lab.store

    async def run(request: Request) -> Response:
        found = _named(lab, request, "PipelineRun")
        if found is None:
            return _not_found(lab, request, "run")

        def shown(request: Request) -> Mapping[str, object]:
            query = request.query_params
            return {"run": run_page(lab, found, query.get("task", ""), query.get("step", ""))}

        return parts.answer(request, "runs/run.html", "runs/run-live.html", shown)

    async def alone(request: Request) -> Response:
        found = _named(lab, request, "TaskRun")
        if found is None:
            return _not_found(lab, request, "task")
        labels = labels_of(found)
        if not is_alone(labels):
            meta = found["metadata"]
            return RedirectResponse(f"/runs/{meta['namespace']}/{labels[OWNER]}?task={meta['name']}")

        def shown(request: Request) -> Mapping[str, object]:
            return {"page": task_page(lab, found, request.query_params.get("step", ""))}

        return parts.answer(request, "runs/task.html", "runs/task-live.html", shown)

    async def follow(request: Request) -> Response | Stream:
        namespace, name = request.path_params["namespace"], request.path_params["name"]

        def wanted(record: Record) -> bool:
            if record.namespace != namespace:
                return False
            if record.kind.kind == "Event":
                return record.name.startswith(name)
            mine = name in (record.name, record.labels.get(OWNER))
            # A CustomRun's ApprovalTask may have no label, but it has the name of the CustomRun.
            return record.kind.kind in RUN_KINDS and (mine or record.name.startswith(name))

        return Stream(notifications(store, wanted), MEDIA_TYPE)

    return [
        Route("/runs/{namespace}/{name}", run),
        Route("/tasks/{namespace}/{name}", alone),
        Route("/runs/{namespace}/{name}/events", follow),
        Route("/tasks/{namespace}/{name}/events", follow),
    ]


def _answer_routes(lab: Lab) -> list[Route]:
    async def answer(request: Request) -> Response:
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        if int(request.headers.get("content-length") or BODY_LIMIT + 1) > BODY_LIMIT:
            return JSONResponse({"error": f"the answer is larger than {BODY_LIMIT} bytes"}, status_code=413)
        try:
            given = msgspec.json.decode(await request.body(), type=Answer)
            approvals.answer(lab.store, namespace, name, given.answer, given.message.strip(), lab.user)
        except msgspec.DecodeError as e:
            return JSONResponse({"error": f'expected {{"answer": "approve", "message": "why"}}: {e}'}, status_code=400)
        except ApiError as e:
            return JSONResponse({"error": e.message}, status_code=e.code)
        return Response(status_code=204)

    async def about(request: Request) -> Response:
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        owner = lab.owner(namespace)
        found = evidence.recorded(owner, namespace, name)
        if found is None:
            return _not_found(lab, request, "approval of a promotion")
        whole = await run_in_threadpool(evidence.completed, owner, found, check_context(owner))
        values = {"evidence": whole, "traced": not lab.oversees}
        if request.query_params.get("part") == "evidence":
            return html.part(request, "runs/evidence-part.html", values)
        return html.page(lab, request, "runs/evidence.html", values)

    return [
        Route("/approvals/{namespace}/{name}", answer, methods=["POST"]),
        Route("/approvals/{namespace}/{name}/evidence", about),
    ]


def _log_routes(lab: Lab) -> list[Route]:
    def which(request: Request) -> logs.Container | None:
        given = request.path_params
        return logs.container(lab.store, given["namespace"], given["pod"], given["container"])

    async def whole(request: Request) -> Response:
        found = which(request)
        if found is None:
            return _not_found(lab, request, "log")
        path = lab.paths.container_log(found.namespace, found.pod, found.name)
        if not path.is_file():
            return _not_found(lab, request, "log")
        return FileResponse(path, media_type="text/plain; charset=utf-8", headers=html.HEADERS)

    async def follow(request: Request) -> Response | Stream:
        found = which(request)
        if found is None:
            return JSONResponse({"error": "there is no such container; the run may be gone"}, status_code=404)
        # A script that opens a stream again cannot set the header, so it may use `at`.
        at = request.headers.get("last-event-id") or request.query_params.get("at", "")
        offset = int(at) if at.isascii() and at.isdecimal() else None
        return Stream(logs.log_events(lab.store, lab.paths, found, offset), MEDIA_TYPE)

    return [
        Route("/logs/{namespace}/{pod}/{container}", whole),
        Route("/logs/{namespace}/{pod}/{container}/events", follow),
    ]


def _named(lab: Lab, request: Request, kind: str) -> Object | None:
    given = request.path_params
    return lab.store.find(built_in(kind), given["namespace"], given["name"])


def _not_found(lab: Lab, request: Request, what: str) -> Response:
    given = request.path_params
    name = given.get("name") or f"{given['pod']}/{given['container']}"
    values = {
        "message": f"There is no {what} {name} in {given['namespace']}; it may have been deleted.",
        "back": "/runs",
        "back_name": N_("All runs"),
    }
    return html.page(lab, request, "missing.html", values, status=404)


def _has_repositories(lab: Lab) -> bool:
    """Whether pushes of the participant run `.tekton/`, so that the page Commits shows more than Git."""
    kind = built_in("Repository")
    return any(next(iter(lab.store.records(kind, one)), None) is not None for one in lab.participant.namespaces)
