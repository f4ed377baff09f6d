"""The Secrets of a Pod's ServiceAccount as files that git, ssh and docker read, as Tekton's creds-init makes them.

A Secret counts when the ServiceAccount lists it in `secrets`. `tekton.dev/git-*` and `tekton.dev/docker-*` annotations
say for which hosts it is (docs/auth.md; pkg/credentials/gitcreds and pkg/credentials/dockercreds of tektoncd/pipeline).
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from workshop.lab.kinds import built_in
from workshop.lab.kubelet.pod import PodPlan
from workshop.lab.private_files import write_private
from workshop.lab.runtimes.base import ContainerSpec, on_this_machine
from workshop.lab.store import Store
from workshop.manifests.objects import Object, annotations_of

FOLDER = "/tekton/creds"
GIT, DOCKER = "tekton.dev/git-", "tekton.dev/docker-"
BASIC, SSH = "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth"
NO_ADDRESS = "not@val.id"
"""The e-mail address that creds-init writes: the format has one."""


def write(store: Store, plan: PodPlan, folder: Path) -> None:
    """Write the files of the Secrets of a Pod's ServiceAccount into a folder. Raises OSError."""
    secrets = list(_secrets(store, plan))
    git, ssh = _git(secrets), _ssh(secrets)
    files = {**git, **ssh, **_docker(secrets)}
    if ".gitconfig" in files:
        files[".gitconfig"] = git.get(".gitconfig", "") + ssh.get(".gitconfig", "")
    for name, text in files.items():
        write_private(folder / name, text.encode())


def lacks_known_hosts(store: Store, plan: PodPlan) -> bool:
    """Whether a Secret with an SSH key has no `known_hosts`. Source: checkGitSSHSecret in pkg/pod/creds_init.go."""
    return any(one.get("type") == SSH and not _text(one, "known_hosts") for one in _secrets(store, plan))


def copy_home(folder: Path, spec: ContainerSpec) -> None:
    """Copy the files to the HOME of a step, as the entrypoint does. Raises OSError."""
    home = on_this_machine(spec.env.get("HOME") or spec.defaults.get("HOME", ""), spec.mounts or ())
    if home is not None and any(folder.iterdir()):
        shutil.copytree(folder, home, dirs_exist_ok=True)


def _secrets(store: Store, plan: PodPlan) -> Iterator[Object]:
    account = store.find(built_in("ServiceAccount"), plan.namespace, plan.service_account or "default") or {}
    for name in dict.fromkeys(str(one.get("name") or "") for one in account.get("secrets") or []):
        secret = store.find(built_in("Secret"), plan.namespace, name)
        if secret is not None:
            yield secret


def _urls(secret: Object, prefix: str) -> list[str]:
    """The values of the annotations with a prefix, in the order of their names."""
    annotations = annotations_of(secret)
    return [annotations[name] for name in sorted(annotations) if name.startswith(prefix)]


def _text(secret: Object, key: str) -> str:
    plain = (secret.get("stringData") or {}).get(key)
    return plain or base64.b64decode((secret.get("data") or {}).get(key) or "").decode(errors="replace")


def _git(secrets: list[Object]) -> dict[str, str]:
    """`.gitconfig` and `.git-credentials`; entries of whole hosts come before those of one repository."""
    config, lines = "[credential]\n\thelper = store\n", []
    for secret in secrets:
        if secret.get("type") != BASIC:
            continue
        user, password = _text(secret, "username"), _text(secret, "password")
        for url in _urls(secret, GIT):
            parts = urlsplit(url)
            of_path = "\tuseHttpPath = true\n" if parts.path.strip("/") else ""
            escaped = user.replace("\\", "\\\\")
            config += f'[credential "{url}"]\n\tusername = {escaped}\n{of_path}'
            who = f"{quote(user, safe='')}:{quote(password, safe='')}"
            lines.append((bool(of_path), f"{parts.scheme}://{who}@{parts.netloc}{parts.path}\n"))
    if not lines:
        return {}
    return {
        ".gitconfig": config,
        ".git-credentials": "".join(line for _, line in sorted(lines, key=lambda one: one[0])),
    }


def _ssh(secrets: list[Object]) -> dict[str, str]:
    """`.ssh`: a key for each Secret, and which host has which. One repository of a host gets an alias of the host."""
    files: dict[str, str] = {}
    hosts: dict[str, list[Object]] = {}
    for secret in (one for one in secrets if one.get("type") == SSH):
        for url in _urls(secret, GIT):
            hosts.setdefault(url, []).append(secret)
    config, known, aliases = "", [], ""
    for url in sorted(hosts, key=lambda one: "/" in one):
        address, _, path = url.partition("/")
        host, _, port = address.partition(":")
        alias = f"{host}-{path.removesuffix('.git').replace('/', '-')}" if path else host
        if path:
            aliases += f'[url "ssh://git@{alias}/{path}"]\n\tinsteadOf = ssh://git@{address}/{path}\n'
            aliases += f"\tinsteadOf = git@{host}:{path}\n"
        config += f"Host {alias}\n    HostName {host}\n    Port {port or '22'}\n"
        for secret in hosts[url]:
            name = f"id_{secret['metadata']['name']}"
            files[f".ssh/{name}"] = _text(secret, "ssh-privatekey")
            config += f"    IdentityFile {FOLDER}/.ssh/{name}\n"
            known += [text] if (text := _text(secret, "known_hosts")) else []
    if config:
        files[".ssh/config"] = config
    if known:
        files[".ssh/known_hosts"] = "\n".join(known)
    if aliases:
        files[".gitconfig"] = aliases
    return files


def _docker(secrets: list[Object]) -> dict[str, str]:
    """`.docker/config.json`: basic-auth Secrets with annotations, and Secrets that are such files."""
    auths: dict[str, Any] = {}
    for secret in secrets:
        match secret.get("type"):
            case "kubernetes.io/dockercfg":
                auths |= _parsed(_text(secret, ".dockercfg"))
            case "kubernetes.io/dockerconfigjson":
                auths |= _parsed(_text(secret, ".dockerconfigjson")).get("auths") or {}
    for secret in (one for one in secrets if one.get("type") == BASIC):
        user, password = _text(secret, "username"), _text(secret, "password")
        for url in _urls(secret, DOCKER):
            auth = base64.b64encode(f"{user}:{password}".encode()).decode()
            auths[url] = {"username": user, "password": password, "auth": auth, "email": NO_ADDRESS}
    return {".docker/config.json": json.dumps({"auths": auths})} if auths else {}


def _parsed(text: str) -> dict[str, Any]:
    """A JSON object; empty for another text."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
