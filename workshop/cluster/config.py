"""The cluster and the user of a kubeconfig, found in kubectl's order.

The order is `--kubeconfig`, the files of KUBECONFIG, ~/.kube/config, the service account of a Pod. Tokens, token files
and client certificates are supported. Plugins that fetch credentials (`exec`) are refused by name, because `oc login`
writes a token.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workshop.errors import SetupError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NO_CONFIG = "no cluster is configured"
UP = "start the lab with 'workshop up', or log in to a cluster with 'oc login'"


@dataclass(frozen=True)
class Config:
    """The address of the API server, its certificate authority, and the user."""

    server: str
    namespace: str = "default"
    token: str = ""
    authority: str = ""
    """PEM text; empty for the machine's own authorities."""
    verify: bool = True
    client_certificate: tuple[str, str] | None = None
    """PEM text of the certificate and of the key."""
    context: str = ""
    cluster: str = ""
    user: str = ""
    path: Path | None = None
    """The file that holds the current context, for commands that change it."""


def paths(kubeconfig: str | Path | None = None) -> list[Path]:
    """The kubeconfig files in use, in order; only the named one if one is named."""
    if kubeconfig:
        return [Path(kubeconfig)]
    named = os.environ.get("KUBECONFIG")
    if named:
        return [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    return [Path.home() / ".kube" / "config"]


def find(kubeconfig: str | Path | None = None, *, context: str = "") -> Config:
    """The current configuration. Raises SetupError."""
    found = [(path, read(path)) for path in paths(kubeconfig) if path.is_file()]
    if kubeconfig and not found:
        raise SetupError(f"{kubeconfig}: no such kubeconfig", hint=UP)
    if not found:
        return _in_cluster()
    merged: dict[str, dict[str, Any]] = {"clusters": {}, "contexts": {}, "users": {}}
    current, holder = "", found[0][0]
    for path, content in found:
        if not current and content.get("current-context"):
            current, holder = content["current-context"], path
        for section in merged:
            for one in content.get(section) or []:
                merged[section].setdefault(one.get("name"), (path, one.get(section[:-1]) or {}))
    name = context or current
    if not name or name not in merged["contexts"]:
        known = ", ".join(sorted(merged["contexts"])) or "none"
        raise SetupError(f'{holder}: context "{name}" does not exist; there are: {known}', hint=UP)
    chosen = merged["contexts"][name][1]
    for section, key in (("clusters", "cluster"), ("users", "user")):
        if chosen.get(key) not in merged[section]:
            raise SetupError(
                f'{holder}: context "{name}" names the {key} "{chosen.get(key)}", which is not there', hint=UP
            )
    cluster_path, cluster = merged["clusters"][chosen["cluster"]]
    user_path, user = merged["users"][chosen["user"]]
    return Config(
        server=str(cluster.get("server") or "").rstrip("/"),
        namespace=chosen.get("namespace") or "default",
        token=_token(user, user_path),
        authority=_text(cluster, "certificate-authority", cluster_path),
        verify=not cluster.get("insecure-skip-tls-verify"),
        client_certificate=_client_certificate(user, user_path),
        context=name,
        cluster=chosen["cluster"],
        user=chosen["user"],
        path=holder,
    )


def read(path: Path) -> dict[str, Any]:
    """A kubeconfig as data. Raises SetupError."""
    try:
        raw = path.read_text()
    except OSError as e:
        raise SetupError(f"{path}: cannot be read: {e.strerror}", hint=UP) from e
    try:
        content = json.loads(raw)  # the lab writes JSON, which is read ten times faster than YAML
    except json.JSONDecodeError:
        from workshop.manifests.load import documents

        content = next((value for value, _ in documents(raw, str(path))), {})
    if not isinstance(content, dict):
        raise SetupError(f"{path}: is no kubeconfig: it holds a {type(content).__name__}", hint=UP)
    return content


def set_namespace(config: Config, namespace: str) -> None:
    """Make `namespace` the current context's in its file, as `oc project` does. Raises SetupError."""
    if config.path is None:
        raise SetupError("a Pod's own account has no context to change", hint="name the namespace with -n")
    content = read(config.path)
    for one in content.get("contexts") or []:
        if one.get("name") == config.context:
            one.setdefault("context", {})["namespace"] = namespace
    _write(config.path, json.dumps(content, indent=2) + "\n")


def log_in(path: Path, config: Config, user: str) -> None:
    """Write server, authority and token of `config` to a kubeconfig and make them current. Raises SetupError.

    The names are those of `oc login`: cluster `host:port`, user `user/host:port`, context `namespace/host:port/user`.
    A context of the same server and namespace is changed in place.
    """
    content: dict[str, Any] = read(path) if path.is_file() else {"apiVersion": "v1", "kind": "Config"}
    host = config.server.partition("://")[2].replace(".", "-")
    cluster, account = config.cluster or host, config.user or f"{user}/{host}"
    context = config.context or f"{config.namespace}/{host}/{user}"
    trust: dict[str, Any] = {"server": config.server}
    if config.authority:
        trust["certificate-authority-data"] = base64.b64encode(config.authority.encode()).decode()
    if not config.verify:
        trust["insecure-skip-tls-verify"] = True
    parts = {
        "cluster": (cluster, trust),
        "user": (account, {"token": config.token}),
        "context": (context, {"cluster": cluster, "user": account, "namespace": config.namespace}),
    }
    for key, (name, value) in parts.items():
        others = [one for one in content.get(f"{key}s") or [] if one.get("name") != name]
        content[f"{key}s"] = [*others, {"name": name, key: value}]
    content["current-context"] = context
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, json.dumps(content, indent=2) + "\n")


def log_out(config: Config) -> None:
    """Take the token of the current user out of its file, as `oc logout` does. Raises SetupError."""
    if config.path is None:
        raise SetupError("a Pod's own account cannot log out", hint="log in with 'oc login' first")
    content = read(config.path)
    for one in content.get("users") or []:
        if one.get("name") == config.user:
            (one.get("user") or {}).pop("token", None)
    _write(config.path, json.dumps(content, indent=2) + "\n")


def with_namespace(config: Config, namespace: str | None) -> Config:
    """The configuration with another namespace, if one is named."""
    return replace(config, namespace=namespace) if namespace else config


def _write(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError as e:
        Path(temporary).unlink(missing_ok=True)
        raise SetupError(f"{path}: cannot be written: {e.strerror}", hint="free disk space") from e


def _in_cluster() -> Config:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = SERVICE_ACCOUNT / "token"
    if not host or not token.is_file():
        looked = ", ".join(str(path) for path in paths())
        raise SetupError(f"{NO_CONFIG}: looked in {looked}", hint=UP)
    bracketed = f"[{host}]" if ":" in host else host
    namespace = SERVICE_ACCOUNT / "namespace"
    return Config(
        server=f"https://{bracketed}:{port}",
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
        token=token.read_text().strip(),
        authority=(SERVICE_ACCOUNT / "ca.crt").read_text(),
    )


def _token(user: dict[str, Any], path: Path) -> str:
    if user.get("exec") or user.get("auth-provider"):
        raise SetupError(
            f"{path}: credentials from a plugin are not supported: allowed are token, tokenFile and "
            "client certificates",
            hint="log in with 'oc login', which writes a token",
        )
    if user.get("tokenFile"):
        return _file(path.parent / user["tokenFile"]).strip()
    return str(user.get("token") or "")


def _client_certificate(user: dict[str, Any], path: Path) -> tuple[str, str] | None:
    certificate = _text(user, "client-certificate", path)
    return (certificate, _text(user, "client-key", path)) if certificate else None


def _text(section: dict[str, Any], key: str, path: Path) -> str:
    """PEM text that is in the file, or in a file that it names."""
    if section.get(f"{key}-data"):
        return base64.b64decode(section[f"{key}-data"]).decode()
    return _file(path.parent / section[key]) if section.get(key) else ""


def _file(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as e:
        raise SetupError(f"{path}: cannot be read: {e.strerror}", hint=UP) from e
