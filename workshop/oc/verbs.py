"""The verbs that `oc` has and kubectl has not.

Output and exit codes are those of oc 4.19. Each verb gets its parsed words and returns the exit code.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from workshop.cluster import config as configs
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.kubectl import kubectl
from workshop.cluster.resources import match
from workshop.errors import WorkshopError

Words = argparse.Namespace


class Refused(WorkshopError):
    """The command cannot be done; the message follows `error: `."""


def login(words: Words) -> int:
    """Log in with a token and write it to the kubeconfig."""
    known = _known(words)
    server = (words.server_url or words.server or (known.server if known else "")).rstrip("/")
    if not server:
        raise Refused("no server is named", hint="oc login SERVER --token=TOKEN")
    if words.username or words.password:
        raise Refused("this oc logs in with a token only", hint="oc login SERVER --token=TOKEN")
    same = known if known and known.server == server else None
    token = words.token or (same.token if same else "")
    if not token:
        raise Refused("--token is missing", hint="on OpenShift the web console shows it under 'Copy login command'")
    authority = Path(words.certificate_authority).read_text() if words.certificate_authority else ""
    target = replace(
        same or configs.Config(server=server),
        token=token,
        client_certificate=None,
        authority=authority or (same.authority if same else ""),
        verify=not words.insecure_skip_tls_verify and (same.verify if same else True),
        namespace=words.namespace or (same.namespace if same else "default"),
    )
    try:
        user = _user(Client(target, agent=AGENT))
    except ApiFailure as e:
        if e.code != 401:
            raise
        raise Refused("the token is invalid or has expired") from e
    path = configs.paths(words.kubeconfig)[0]
    configs.log_in(path, target, user)
    _say(f'Logged into "{server}" as "{user}" using ' + ("the token provided." if words.token else "its old token."))
    _say(f'\nUsing project "{target.namespace}".')
    return 0


def logout(words: Words) -> int:
    """Take the token out of the kubeconfig and end it on the server, or say that it stays valid.

    Only OpenShift can end a token: the lab's console and terminals use the lab's.
    """
    config = _config(words)
    client = Client(config, agent=AGENT)
    user = _user(client)
    if match(client.resources, "useroauthaccesstokens"):
        client.delete("useroauthaccesstokens", None, _token_object(config.token), missing_ok=True)
    else:
        sys.stderr.write("Warning: the token is still valid; only the kubeconfig has lost it\n")
    configs.log_out(config)
    _say(f'Logged "{user}" out on "{config.server}"')
    return 0


def whoami(words: Words) -> int:
    """Print the user's name, token, server or context."""
    config = _config(words)
    if words.show_token:
        if not config.token:
            raise Refused("no token is currently in use for this session")
        _say(config.token)
    elif words.show_server:
        _say(config.server)
    elif words.show_context:
        _say(config.context)
    else:
        _say(_user(Client(config, agent=AGENT)))
    return 0


def project(words: Words) -> int:
    """Print the project in use, or change to another one."""
    config = _config(words)
    if words.name is None:
        if words.short:
            _say(config.namespace)
            return 0
        _check_exists(config, config.namespace)
        _say(f'Using project "{config.namespace}" on server "{config.server}".')
        return 0
    if words.name == config.namespace:
        _say(f'Already on project "{words.name}" on server "{config.server}".')
        return 0
    _check_exists(config, words.name)
    return _use(config, words.name)


def projects(words: Words) -> int:
    """List the projects, with a star at the one in use."""
    config = _config(words)
    client = Client(config, agent=AGENT)
    names = sorted(one["metadata"]["name"] for one in client.list(_kind(client), everywhere=True))
    if words.short:
        _say("\n".join(names))
        return 0
    _say("You have access to the following projects and can switch between them with ' project <projectname>':\n")
    for name in names:
        _say(f"  {'*' if name == config.namespace else ' '} {name}")
    _say(f'\nUsing project "{config.namespace}" on server "{config.server}".')
    return 0


def new_project(words: Words) -> int:
    """Create a project and change to it."""
    config = _config(words)
    client = Client(config, agent=AGENT)
    if _kind(client) == "projects":
        request = {
            "apiVersion": "project.openshift.io/v1",
            "kind": "ProjectRequest",
            "metadata": {"name": words.name},
            "displayName": words.display_name,
            "description": words.description,
        }
        client.http.request("POST", "/apis/project.openshift.io/v1/projectrequests", body=request)
    else:
        client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": words.name}})
    if words.skip_config_write:
        _say(f"To switch to this project and start adding applications, use:\n\n    oc project {words.name}")
        return 0
    return _use(config, words.name)


def status(words: Words) -> int:
    """Name the project and list what runs in it; kubectl prints the list."""
    config = _config(words)
    _check_exists(config, config.namespace)
    _say(f"In project {config.namespace} on server {config.server}\n")
    sys.stdout.flush()
    given = (("--kubeconfig", words.kubeconfig), ("--context", words.context), ("--namespace", words.namespace))
    flags = [f"{flag}={value}" for flag, value in given if value]
    os.execv(kubectl(), ["kubectl", "get", "all", *flags])  # noqa: S606 kubectl takes this process over


AGENT = "oc/workshop"
VERBS: dict[str, Callable[[Words], int]] = {
    "login": login,
    "logout": logout,
    "new-project": new_project,
    "project": project,
    "projects": projects,
    "status": status,
    "whoami": whoami,
}


def _say(text: str) -> None:
    print(text)  # noqa: T201 a program with output of its own, as kubectl


def _config(words: Words) -> configs.Config:
    found = configs.find(words.kubeconfig, context=words.context or "")
    return configs.with_namespace(found, words.namespace)


def _known(words: Words) -> configs.Config | None:
    """The configuration before a login; None on a machine without one."""
    try:
        return _config(words)
    except WorkshopError:
        return None


def _use(config: configs.Config, name: str) -> int:
    configs.set_namespace(config, name)
    _say(f'Now using project "{name}" on server "{config.server}".')
    return 0


def _kind(client: Client) -> str:
    """Projects on OpenShift, Namespaces on any other Kubernetes."""
    return "projects" if match(client.resources, "projects") else "namespaces"


def _check_exists(config: configs.Config, name: str) -> None:
    client = Client(config, agent=AGENT)
    try:
        client.get(_kind(client), None, name)
    except ApiFailure as e:
        if e.code not in (403, 404):
            raise
        raise Refused(
            f'A project named "{name}" does not exist on "{config.server}".\nYour projects are listed '
            "by 'oc projects'."
        ) from e


def _user(client: Client) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = client.http.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=review)
    return str(answer["status"]["userInfo"]["username"])


def _token_object(token: str) -> str:
    """The name of a token's object: OpenShift stores the SHA-256 of what follows the prefix `sha256~`."""
    digest = hashlib.sha256(token.removeprefix("sha256~").encode()).digest()
    return "sha256~" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
