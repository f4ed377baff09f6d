"""get: objects as a table or in another format, once or as they change."""

from __future__ import annotations

import json
from typing import Any

from workshop.cluster.client import ApiFailure
from workshop.cluster.resources import Resource
from workshop.oc.asking import FILES, Named, listed, named, selectors
from workshop.oc.failures import Failed, Quiet, told
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.printing import FORMATS, Columns, as_json, as_yaml, custom_columns, show, without_fields
from workshop.oc.session import Session

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
FLAGS = {
    "get": (
        *FILES,
        Flag("output", "o"),
        Flag("selector", "l"),
        Flag("field-selector"),
        Flag("all-namespaces", "A", "yes"),
        Flag("watch", "w", "yes"),
        Flag("watch-only", "", "yes"),
        Flag("ignore-not-found", "", "yes"),
        Flag("no-headers", "", "yes"),
        Flag("show-labels", "", "yes"),
        Flag("show-kind", "", "yes"),
        Flag("label-columns", "L", "many"),
        Flag("sort-by"),
        Flag("raw"),
        Flag("chunk-size"),
        Flag("show-managed-fields", "", "yes"),
        Flag("all", "", "yes"),
    ),
}
Object = dict[str, Any]


def get(session: Session) -> int:
    """Print what is asked for; 1 when something that was named is not there."""
    words = session.words
    if words.text("raw"):
        session.say(session.client.http.raw("GET", words.text("raw")).decode().rstrip("\n"))
        return 0
    how = words.text("output")
    if how and how.partition("=")[0] not in ("json", "yaml", "name", "wide", "jsonpath", "custom-columns"):
        raise BadUsage(
            f'unable to match a printer suitable for the output format "{how}", allowed formats are: {FORMATS}'
        )
    wanted = named(session, words.args)
    if words.yes("watch") or words.yes("watch-only"):
        return _watch(session, wanted, how)
    if how in ("", "wide"):
        return _tables(session, wanted, wide=how == "wide")
    return _objects(session, wanted, how)


# -- other formats -----------------------------------------------------------------------------------------------


def _objects(session: Session, wanted: list[Named], how: str) -> int:
    words = session.words
    found: list[Object] = []
    failed = False
    single = len(wanted) == 1 and bool(wanted[0].name)
    for one in wanted:
        try:
            if one.name:
                found.append(session.client.http.request("GET", one.path))
            else:
                found += listed(session, one)
        except ApiFailure as e:
            if e.code == 404 and one.name and words.yes("ignore-not-found"):
                continue
            session.warn(told(e))
            failed = True
    if words.text("sort-by"):
        found = _sorted(found, words.text("sort-by"))
    if failed and not found:
        raise Quiet
    if how == "name":
        for obj in found:
            session.say(f"{_resource(session, wanted, obj).printed}/{obj['metadata']['name']}")
    elif how.startswith("custom-columns="):
        rows = custom_columns(found, how.partition("=")[2], headers=not words.yes("no-headers"))
        session.say("\n".join(rows))
    elif single:
        if found:
            _print(session, found[0], how)
    else:
        clean = found if words.yes("show-managed-fields") else [without_fields(obj) for obj in found]
        _print(session, {"apiVersion": "v1", "items": clean, "kind": "List", "metadata": {"resourceVersion": ""}}, how)
    if failed:
        raise Quiet
    return 0


def _print(session: Session, obj: Object, how: str) -> None:
    if session.words.yes("show-managed-fields") and how in ("json", "yaml"):
        session.say(as_json(obj) if how == "json" else as_yaml(obj))
    elif how.startswith("jsonpath"):
        session.out.write(show(obj, how))
    else:
        session.say(show(obj, how))


def _resource(session: Session, wanted: list[Named], obj: Object) -> Resource:
    for one in wanted:
        if (one.resource.api_version, one.resource.kind) == (obj.get("apiVersion"), obj.get("kind")):
            return one.resource
    return session.client.resource_of(obj)


# -- tables ------------------------------------------------------------------------------------------------------


def _tables(session: Session, wanted: list[Named], *, wide: bool) -> int:
    words = session.words
    groups: list[tuple[Resource, list[Object]]] = []
    errors: list[str] = []
    for one in wanted:
        try:
            table = _ask(session, one)
        except ApiFailure as e:
            if e.code == 404 and one.name and words.yes("ignore-not-found"):
                continue
            errors.append(told(e))
            continue
        if not table.get("rows"):
            continue
        if groups and groups[-1][0] == one.resource:
            groups[-1][1].append(table)
        else:
            groups.append((one.resource, [table]))
    with_kind = words.yes("show-kind") or len({one.resource for one in wanted}) > 1
    for index, (res, tables) in enumerate(groups):
        if index:
            session.say()
        rows = _rows(session, res, tables, wide=wide, with_kind=with_kind, headers=not words.yes("no-headers"))
        for line in Columns().lines(rows):
            session.say(line)
    session.out.flush()
    for text in errors:
        session.warn(text)
    if not groups and not errors and not words.yes("ignore-not-found"):
        everywhere = words.yes("all-namespaces") or not any(one.resource.namespaced for one in wanted)
        session.warn("No resources found" + ("" if everywhere else f" in {session.namespace} namespace."))
    if errors:
        raise Quiet
    return 0


def _ask(session: Session, one: Named) -> Object:
    query = {} if one.name else selectors(session)
    if session.words.text("sort-by"):
        query["includeObject"] = "Object"
    answer: Object = session.client.http.request("GET", one.path, query=query, accept=TABLE)
    if answer.get("kind") != "Table":
        raise Failed(f"the server did not answer with a table for {one.resource.full_name}: try -o json")
    if session.words.text("sort-by"):
        order = _sorted([row["object"] for row in answer["rows"]], session.words.text("sort-by"))
        places = {id(obj): at for at, obj in enumerate(order)}
        answer["rows"].sort(key=lambda row: places[id(row["object"])])
    return answer


def _rows(
    session: Session, res: Resource, tables: list[Object], *, wide: bool, with_kind: bool, headers: bool
) -> list[list[str]]:
    words = session.words
    definitions = tables[0]["columnDefinitions"]
    shown = [i for i, column in enumerate(definitions) if wide or not column.get("priority")]
    with_namespace = words.yes("all-namespaces") and res.namespaced
    labels = [name for part in words.many("label-columns") for name in part.split(",")]
    rows: list[list[str]] = []
    if headers:
        head = ["NAMESPACE"] if with_namespace else []
        head += [str(definitions[i]["name"]).upper() for i in shown]
        head += [name.rpartition("/")[2].upper() for name in labels]
        rows.append(head + (["LABELS"] if words.yes("show-labels") else []))
    for table in tables:
        for row in table["rows"]:
            meta = row["object"]["metadata"]
            cells = [_cell(row["cells"][i]) for i in shown]
            if with_kind and cells:
                cells[0] = f"{res.printed}/{cells[0]}"
            mine = meta.get("labels") or {}
            cells += [mine.get(name, "") for name in labels]
            if words.yes("show-labels"):
                cells.append(",".join(f"{k}={v}" for k, v in sorted(mine.items())) or "<none>")
            rows.append(([meta.get("namespace", "")] if with_namespace else []) + cells)
    return rows


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    first, newline, _ = text.partition("\n")
    return first + ("..." if newline else "")


def _sorted(objects: list[Object], path: str) -> list[Object]:
    from workshop.manifests.jsonpath import PathError, find

    def key(obj: Object) -> tuple[int, Any]:
        try:
            found = find(path, obj)
        except PathError as e:
            raise BadUsage(f"invalid --sort-by {path}: {e}") from e
        if not found or found[0] is None:
            return 0, 0
        return (1, found[0]) if isinstance(found[0], int | float) else (2, str(found[0]))

    return sorted(objects, key=key)


# -- watching ----------------------------------------------------------------------------------------------------


def _watch(session: Session, wanted: list[Named], how: str) -> int:
    if len(wanted) != 1:
        raise BadUsage("you may only specify a single resource type when using --watch")
    one = wanted[0]
    query = {**selectors(session), "watch": "true", "allowWatchBookmarks": "false"}
    if one.name:
        query["fieldSelector"] = f"metadata.name={one.name}"
    plain = how not in ("", "wide")
    if session.words.yes("watch-only"):
        now = session.client.http.request("GET", one.resource.path(one.namespace), query=selectors(session))
        query["resourceVersion"] = now["metadata"]["resourceVersion"]
    columns = Columns()
    headers = not session.words.yes("no-headers")
    definitions: Any = None
    path = one.resource.path(one.namespace)
    for line in session.client.http.lines(path, query=query, accept="application/json" if plain else TABLE):
        change = json.loads(line)
        obj = change["object"]
        if change["type"] == "ERROR":
            raise Failed(str(obj.get("message")))
        if change["type"] == "BOOKMARK":
            continue
        if plain:
            session.say(one.resource.printed + "/" + obj["metadata"]["name"] if how == "name" else show(obj, how))
        else:
            definitions = obj["columnDefinitions"] = obj.get("columnDefinitions") or definitions
            rows = _rows(session, one.resource, [obj], wide=how == "wide", with_kind=False, headers=headers)
            headers = False
            for text in columns.lines(rows):
                session.say(text)
        session.out.flush()
    return 0
