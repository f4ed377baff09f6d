"""project, projects, new-project and config: which namespace is meant."""

from __future__ import annotations

import json

from workshop.cluster import config as configs
from workshop.cluster.client import ApiFailure
from workshop.cluster.resources import match
from workshop.oc.failures import Failed
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.printing import as_yaml
from workshop.oc.session import Session

FLAGS = {
    "project": (Flag("short", "q", "yes"),),
    "projects": (Flag("short", "q", "yes"),),
    "new-project": (Flag("description"), Flag("display-name"), Flag("skip-config-write", "", "yes")),
    "config": (Flag("current", "", "yes"), Flag("minify", "", "yes"), Flag("output", "o")),
}


def project(session: Session) -> int:
    """Say which project is in use, or use another one."""
    server = session.config.server
    if not session.words.args:
        if session.words.yes("short"):
            session.say(session.namespace)
            return 0
        _exists(session, session.namespace)
        session.say(f'Using project "{session.namespace}" on server "{server}".')
        return 0
    name = session.words.args[0]
    if name == session.namespace:
        session.say(f'Already on project "{name}" on server "{server}".')
        return 0
    _exists(session, name)
    configs.set_namespace(session.config, name)
    session.say(f'Now using project "{name}" on server "{server}".')
    return 0


def projects(session: Session) -> int:
    """List the projects, with a star at the one in use."""
    names = sorted(one["metadata"]["name"] for one in session.client.list(_kind(session), everywhere=True))
    if session.words.yes("short"):
        session.say("\n".join(names))
        return 0
    session.say(
        "You have access to the following projects and can switch between them with ' project <projectname>':\n"
    )
    for name in names:
        session.say(f"  {'*' if name == session.namespace else ' '} {name}")
    session.say(f'\nUsing project "{session.namespace}" on server "{session.config.server}".')
    return 0


def new_project(session: Session) -> int:
    """Make a project and use it."""
    if len(session.words.args) != 1:
        raise BadUsage("must have exactly one argument: oc new-project NAME")
    name = session.words.args[0]
    words = session.words
    if _kind(session) == "projects":
        session.client.http.request(
            "POST",
            "/apis/project.openshift.io/v1/projectrequests",
            body={
                "apiVersion": "project.openshift.io/v1",
                "kind": "ProjectRequest",
                "metadata": {"name": name},
                "displayName": words.text("display-name"),
                "description": words.text("description"),
            },
        )
    else:
        session.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    if not words.yes("skip-config-write"):
        configs.set_namespace(session.config, name)
    session.say(f'Now using project "{name}" on server "{session.config.server}".')
    return 0


def config(session: Session) -> int:
    """current-context, get-contexts, view, set-context --current --namespace=NAME."""
    match session.words.args:
        case ["current-context"]:
            session.say(session.config.context)
        case ["view"]:
            content = configs.read(session.config.path) if session.config.path else {}
            for one in content.get("users") or []:
                one["user"] = dict.fromkeys(one.get("user") or {}, "REDACTED")
            for one in content.get("clusters") or []:
                if "certificate-authority-data" in (one.get("cluster") or {}):
                    one["cluster"]["certificate-authority-data"] = "DATA+OMITTED"
            session.say(json.dumps(content, indent=4) if session.words.text("output") == "json" else as_yaml(content))
        case ["get-contexts"]:
            session.say(session.config.context)
        case ["set-context"] | ["set-context", _] if session.words.text("namespace"):
            configs.set_namespace(session.config, session.words.text("namespace"))
            session.say(f'Context "{session.config.context}" modified.')
        case _:
            raise BadUsage(
                "unknown config command: allowed are current-context, get-contexts, view, "
                "set-context --current --namespace=NAME"
            )
    return 0


def _kind(session: Session) -> str:
    return "projects" if match(session.client.resources, "projects") else "namespaces"


def _exists(session: Session, name: str) -> None:
    try:
        session.client.get(_kind(session), None, name)
    except ApiFailure as e:
        if e.code not in (403, 404):
            raise
        raise Failed(
            f'A project named "{name}" does not exist on "{session.config.server}".\nYour projects are listed '
            "by 'oc projects'."
        ) from e
