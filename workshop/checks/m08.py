"""Module 8, build with S2I: an image of the participant's own commit, made by the workshop's builder."""

from __future__ import annotations

import json
import subprocess

from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, contains, git, root

IMAGE = "flight-delay:mine"
COMMIT = "io.openshift.s2i.build.commit.id"
_BUILT, _YOURS, _SERVES = (
    f"there is an image {IMAGE}",
    "it was built from a commit of yours",
    "it serves: it says which class and starts the builder's server",
)


def check(context: CheckContext) -> list[Finding]:
    """The image, its source, what it starts."""
    done = _buildah(context, "inspect", IMAGE)
    try:
        config = json.loads(done.stdout)["OCIv1"]["config"]
    except (ValueError, KeyError):
        why = (done.stderr.strip().splitlines() or ["buildah says nothing"])[0]
        return [
            Finding(_BUILT, False, why, f"buildah bud --file Dockerfile.gen --tag {IMAGE} ."),
            *(Finding(task, False, "it needs the image", "") for task in (_YOURS, _SERVES)),
        ]
    labels = config.get("Labels") or {}
    built = Finding(
        _BUILT, True, f"built from {labels.get('io.openshift.s2i.build.image', 'a builder that it does not name')}"
    )
    return [built, _yours(context, str(labels.get(COMMIT, ""))), _serves(config)]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """The name goes; the image's files are shared with others and stay."""
    if _buildah(context, "inspect", IMAGE).returncode != 0:
        return []
    _buildah(context, "rmi", IMAGE)
    return [f"removed the image {IMAGE}"]


def _yours(context: CheckContext, commit: str) -> Finding:
    if not commit:
        return Finding(_YOURS, False, f"it has no label {COMMIT}", "s2i build in your clone notes the commit")
    if commit == root(context) or not contains(context, BRANCH, commit):
        return Finding(_YOURS, False, f"commit {commit[:8]} is not one of yours on {BRANCH}",
                       f"git switch {BRANCH}, then build again")  # fmt: skip
    return Finding(_YOURS, True, git(context, "log", "--format=%h %s", "-1", commit))


def _serves(config: dict[str, object]) -> Finding:
    env, command = config.get("Env"), config.get("Cmd")
    name = next((v.partition("=")[2] for v in env if v.startswith("MODEL_NAME=")), "") if isinstance(env, list) else ""
    runs = " ".join(map(str, command)) if isinstance(command, list) else ""
    if not name or not runs.endswith("/run"):
        return Finding(_SERVES, False, f"MODEL_NAME is {name!r} and its command {runs!r}",
                       "model/.s2i/environment names the class")  # fmt: skip
    return Finding(_SERVES, True, f"{name}, by {runs}")


def _buildah(context: CheckContext, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["buildah", *words], env=dict(context.env) or None, text=True, capture_output=True, check=False
    )
