"""The kubeconfig of a user: where the API server is, how it is trusted, and the user's token."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson

from workshop.lab.private_files import write_private


def write_kubeconfig(path: Path, *, server: str, authority: Path, token: str, user: str, namespace: str) -> None:
    """Write the kubeconfig of oc, kubectl and tkn, readable by its owner only. Raises OSError."""
    trusted = base64.b64encode(authority.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority-data": trusted}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user, "namespace": namespace}}],
        "current-context": "lab",
    }
    write_private(path, orjson.dumps(config, option=orjson.OPT_INDENT_2) + b"\n")
