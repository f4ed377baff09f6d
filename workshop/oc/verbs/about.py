"""whoami, version, api-resources and auth: about the server and the one who asks."""

from __future__ import annotations

import json

from workshop.cluster.client import ApiFailure
from workshop.cluster.resources import match as match_resource
from workshop.oc.failures import Quiet
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.printing import Columns
from workshop.oc.session import Session

FLAGS = {
    "whoami": (Flag("show-token", "t", "yes"), Flag("show-server", "", "yes"), Flag("show-context", "c", "yes")),
    "version": (Flag("client", "", "yes"), Flag("output", "o")),
    "api-resources": (
        Flag("api-group"),
        Flag("namespaced", "", "yes"),
        Flag("no-headers", "", "yes"),
        Flag("output", "o"),
        Flag("verbs"),
        Flag("categories"),
        Flag("cached", "", "yes"),
        Flag("sort-by"),
    ),
    "auth": (Flag("quiet", "q", "yes"), Flag("subresource"), Flag("all-namespaces", "A", "yes")),
}
VERSION = "v1.32.0"
"""The kubectl whose behaviour the built-in oc has."""


def whoami(session: Session) -> int:
    """The user's name, token or server."""
    words = session.words
    if words.yes("show-token"):
        session.say(session.config.token)
    elif words.yes("show-server"):
        session.say(session.config.server)
    elif words.yes("show-context"):
        session.say(session.config.context)
    else:
        session.say(_user(session))
    return 0


def version(session: Session) -> int:
    """The client's version and the server's."""
    server: dict[str, str] = {}
    if not session.words.yes("client"):
        server = session.client.http.request("GET", "/version")
    if session.words.text("output") == "json":
        shown = {"clientVersion": {"gitVersion": VERSION}, **({"serverVersion": server} if server else {})}
        session.say(json.dumps(shown, indent=2))
        return 0
    session.say(f"Client Version: {VERSION}")
    session.say("Kustomize Version: v5.5.0")
    if server:
        session.say(f"Server Version: {server['gitVersion']}")
    return 0


def api_resources(session: Session) -> int:
    """The kinds of the server."""
    words = session.words
    rows = [] if words.yes("no-headers") else [["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]]
    found = session.client.resources
    if words.text("api-group"):
        found = [one for one in found if one.group == words.text("api-group")]
    if words.values.get("namespaced"):
        found = [one for one in found if one.namespaced == words.yes("namespaced")]
    for flag, field in (("verbs", "verbs"), ("categories", "categories")):
        for wanted in words.text(flag).split(",") if words.text(flag) else ():
            found = [one for one in found if wanted in getattr(one, field)]
    for one in sorted(found, key=lambda r: (r.group, r.plural)):
        if words.text("output") == "name":
            session.say(one.full_name)
        rows.append([one.plural, ",".join(one.short_names), one.api_version, str(one.namespaced).lower(), one.kind])
    if words.text("output") not in ("", "name", "wide"):
        raise BadUsage(f"--output {words.text('output')} is not available: allowed are name and wide")
    if words.text("output") != "name":
        for line in Columns().lines(rows):
            session.say(line)
    return 0


def auth(session: Session) -> int:
    """can-i VERB KIND [NAME], and whoami."""
    match session.words.args:
        case ["whoami"]:
            rows = [["ATTRIBUTE", "VALUE"], ["Username", _user(session)]]
            for line in Columns().lines(rows):
                session.say(line)
            return 0
        case ["can-i", verb, kind, *rest] if len(rest) <= 1:
            allowed = _allowed(session, verb, kind, rest[0] if rest else "")
            if not session.words.yes("quiet"):
                session.say("yes" if allowed else "no")
            if not allowed:
                raise Quiet
            return 0
    raise BadUsage("allowed are: oc auth can-i VERB KIND [NAME], oc auth whoami")


def _allowed(session: Session, verb: str, kind: str, name: str) -> bool:
    kind, slash, named = kind.partition("/")
    found = match_resource(session.client.resources, kind)
    if found is None:
        session.warn(f"Warning: the server doesn't have a resource type '{kind}'\n")
    about = {
        "namespace": "" if session.words.yes("all-namespaces") else session.namespace,
        "verb": verb,
        "group": found.group if found else "",
        "resource": found.plural if found else kind,
        "name": name or (named if slash else ""),
        "subresource": session.words.text("subresource"),
    }
    answer = session.client.http.request(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in about.items() if value}},
        },
    )
    return bool(answer["status"]["allowed"])


def _user(session: Session) -> str:
    try:
        answer = session.client.http.request(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            body={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        )
        return str(answer["status"]["userInfo"]["username"])
    except ApiFailure as e:
        if e.code != 404:
            raise
        return str(session.client.http.request("GET", "/apis/user.openshift.io/v1/users/~")["metadata"]["name"])
