"""The verbs that `oc` has and kubectl has not.

Output and exit codes are those of oc 4.19. Each verb gets its parsed words and returns the exit code.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from workshop.cluster import config as configs
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.kubectl import kubectl
from workshop.cluster.logins import password_token
from workshop.cluster.resources import match
from workshop.errors import WorkshopError
from workshop.oc.refused import Refused

Words = argparse.Namespace


def login(words: Words) -> int:
    """Log in with a token, or with a user name and a password, and write the token to the kubeconfig."""
    known = _known(words)
    server = (words.server_url or words.server or (known.server if known else "")).rstrip("/")
    if not server:
        raise Refused("no server is named", hint="oc login SERVER --token=TOKEN")
    same = known if known and known.server == server else None
    token = words.token or (same.token if same else "")
    if not token and not words.username:
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
    if words.username:
        target = replace(target, token=password_token(target, words.username, words.password or _asked()))
    try:
        user = _user(Client(target, agent=AGENT))
    except ApiFailure as e:
        if e.code != 401:
            raise
        raise Refused("the token is invalid or has expired") from e
    path = configs.paths(words.kubeconfig)[0]
    configs.log_in(path, target, user)
    if words.username:
        _say("Login successful.")
    else:
        used = "the token provided." if words.token else "its old token."
        _say(f'Logged into "{server}" as "{user}" using {used}')
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


def tag(words: Words) -> int:
    """Give an image the tags of ImageStreams, or delete such tags."""
    config = _config(words)
    client = Client(config, agent=AGENT)
    if words.delete:
        for name in (words.source, *words.tags):
            namespace, found = _stream_tag(config, name)
            client.delete("imagestreamtags", namespace, found)
            _say(f"Deleted tag {namespace}/{found}.")
        return 0
    if not words.tags:
        raise Refused("you must specify a source and at least one destination tag", hint="oc tag SOURCE STREAM:TAG")
    source, shown = _tag_source(client, config, words)
    for name in words.tags:
        namespace, found = _stream_tag(config, name)
        body = {
            "apiVersion": "image.openshift.io/v1",
            "kind": "ImageStreamTag",
            "metadata": {"name": found, "namespace": namespace},
            "tag": {"name": found.partition(":")[2], "from": source},
        }
        path = client.resource("imagestreamtags").path(namespace, found)
        client.http.request("PUT", path, body=body)
        _say(f"Tag {namespace}/{found} set to {shown}.")
    return 0


def import_image(words: Words) -> int:
    """Import an image into a tag of an ImageStream."""
    config = _config(words)
    client = Client(config, agent=AGENT)
    namespace, name = _stream_tag(config, words.name)
    stream, _, tag = name.partition(":")
    there = client.find("imagestreams", namespace, stream)
    known = {one["name"]: one.get("from") for one in ((there or {}).get("spec") or {}).get("tags") or ()}
    source = {"kind": "DockerImage", "name": words.source} if words.source else known.get(tag)
    if source is None:
        raise Refused(
            f'the tag "{tag}" does not exist on the image stream', hint="oc import-image NAME --from=IMAGE --confirm"
        )
    if there is None and not words.confirm:
        raise Refused(f'no image stream named "{stream}" exists, pass --confirm to create and import')
    images = [{"from": source, "to": {"name": tag}}]
    answer = client.http.request(
        "POST",
        f"/apis/image.openshift.io/v1/namespaces/{namespace}/imagestreamimports",
        body={
            "apiVersion": "image.openshift.io/v1",
            "kind": "ImageStreamImport",
            "metadata": {"name": stream, "namespace": namespace},
            "spec": {"import": True, "images": images},
        },
    )
    for one in answer["status"]["images"]:
        if one["status"].get("status") != "Success":
            raise Refused(f"tag {one['tag']} failed: {one['status'].get('message')}")
    _say(f"imagestream.image.openshift.io/{stream} imported")
    return 0


AGENT = "oc/workshop"
SOURCES = ("docker", "imagestreamimage", "imagestreamtag", "isimage", "istag")
"""What `oc tag --source` may name."""
VERBS: dict[str, Callable[[Words], int]] = {
    "import-image": import_image,
    "login": login,
    "logout": logout,
    "new-project": new_project,
    "project": project,
    "projects": projects,
    "status": status,
    "tag": tag,
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


def _stream_tag(config: configs.Config, name: str) -> tuple[str, str]:
    """Namespace and `STREAM:TAG` of a name that may lack both the namespace and the tag."""
    namespace, slash, rest = name.rpartition("/")
    return (namespace if slash else config.namespace), rest if ":" in rest else f"{rest}:latest"


def _tag_source(client: Client, config: configs.Config, words: Words) -> tuple[dict[str, str], str]:
    """What a tag refers to, and how it is shown: the image that another tag has now, or an image of a registry."""
    image = "@" in words.source
    kind = words.from_kind or ("docker" if words.source.count("/") > 1 else "isimage" if image else "istag")
    if kind == "docker":
        return {"kind": "DockerImage", "name": words.source}, words.source
    namespace, name = _stream_tag(config, words.source)
    if kind in ("istag", "imagestreamtag"):
        now = client.get("imagestreamtags", namespace, name)
        name = f"{name.partition(':')[0]}@{now['image']['metadata']['name']}"
    return {"kind": "ImageStreamImage", "namespace": namespace, "name": name}, f"{namespace}/{name}"


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


def _asked() -> str:
    """The password, typed at the terminal. Raises Refused without one."""
    if not sys.stdin.isatty():
        raise Refused("--password is missing", hint="oc login SERVER -u NAME -p PASSWORD")
    return getpass.getpass("Password: ")


def _user(client: Client) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = client.http.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=review)
    return str(answer["status"]["userInfo"]["username"])


def _token_object(token: str) -> str:
    """The name of a token's object: OpenShift stores the SHA-256 of what follows the prefix `sha256~`."""
    digest = hashlib.sha256(token.removeprefix("sha256~").encode()).digest()
    return "sha256~" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
