"""Module 8, build with S2I: an image of the participant's commit, made by the workshop's builder.

On a cluster it is in the registry with the commit as its tag, as the Tasks name it. In the lab buildah has it.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from workshop.checks import runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, contains, git, root
from workshop.checks.serving import serving
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import name_of, succeeded
from workshop.usecase import DEPLOYMENT

IMAGE = f"{DEPLOYMENT}:mine"
PIPELINE = "build"
TAG = "ImageStreamTag"
COMMIT = "io.openshift.s2i.build.commit.id"
_BUILT, _YOURS, _SERVES = (
    N_("there is an image of your model"),
    N_("it was built from a commit of yours"),
    N_("it serves: it says which class and starts the builder's server"),
)
_RUN = f"workshop run tekton/runs/{PIPELINE}.yaml -p revision={BRANCH}"
Config = dict[str, Any]
"""The part of an image that describes its start: Labels, Env, Cmd; the same in the registry and in buildah."""


class _ImageNotFound(Exception):
    """There is no image; the arguments are the reason and the next command."""


def check(context: CheckContext) -> list[Finding]:
    """The image, its source, and its command."""
    try:
        name, config = _registry(context) or _local(context)
    except _ImageNotFound as none:
        why, hint = none.args
        return [
            Finding(_BUILT, False, why, hint),
            *(Finding(task, False, N_("it needs the image"), "") for task in (_YOURS, _SERVES)),
        ]
    labels = config.get("Labels") or {}
    builder = labels.get("io.openshift.s2i.build.image", "a builder that it does not name")
    return [
        Finding(_BUILT, True, Sentence("{name}, built from {builder}", name=name, builder=builder)),
        _yours(context, str(labels.get(COMMIT, ""))),
        _serves(config),
    ]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Remove the image's names. Files are shared with other images, and what serves keeps its tag."""
    said = []
    kept = serving(context, "staging") | serving(context, "production")
    for run in runs.newest_first(context, PIPELINE):
        made = runs.results(run)
        if made.get("image-digest") and made["image-digest"] not in kept:
            editor.delete(TAG, context.namespace("dev"), f"{DEPLOYMENT}:{made['commit']}", missing_ok=True)
        editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
        said.append(f"deleted the run {name_of(run)}")
    found = _buildah(context, "inspect", IMAGE)
    if found is not None and found.returncode == 0:
        _buildah(context, "rmi", IMAGE)
        said.append(f"removed the image {IMAGE}")
    return said


def _registry(context: CheckContext) -> tuple[str, Config] | None:
    """The image of the Pipeline's newest successful run, as the cluster's registry has it; None in the lab."""
    for run in runs.newest_first(context, PIPELINE):
        name = f"{DEPLOYMENT}:{runs.results(run).get('commit', '')}"
        found = context.cluster.find(TAG, context.namespace("dev"), name) if succeeded(run) else None
        if found is not None:
            return name, ((found.get("image") or {}).get("dockerImageMetadata") or {}).get("Config") or {}
    return None


def _local(context: CheckContext) -> tuple[str, Config]:
    """The image that the participant built here. Raises _ImageNotFound."""
    done = _buildah(context, "inspect", IMAGE)
    if done is None:
        raise _ImageNotFound(f"no good run of {PIPELINE} in {context.namespace('dev')} has left an image", _RUN)
    try:
        return IMAGE, json.loads(done.stdout)["OCIv1"]["config"]
    except (ValueError, KeyError) as e:
        why = (done.stderr.strip().splitlines() or ["buildah printed nothing"])[0]
        raise _ImageNotFound(why, f"buildah bud --file Dockerfile.gen --tag {IMAGE} .") from e


def _yours(context: CheckContext, commit: str) -> Finding:
    if not commit:
        return Finding(
            _YOURS,
            False,
            Sentence("it has no label {commit}", commit=COMMIT),
            N_("s2i build in your clone notes the commit"),
        )
    if commit == root(context) or not contains(context, BRANCH, commit):
        return Finding(
            _YOURS,
            False,
            Sentence("commit {commit} is not one of yours on {branch}", commit=commit[:8], branch=BRANCH),
            f"git switch {BRANCH}, then build again",
        )
    return Finding(_YOURS, True, git(context, "log", "--format=%h %s", "-1", commit))


def _serves(config: Config) -> Finding:
    env, command = config.get("Env"), config.get("Cmd")
    name = next((v.partition("=")[2] for v in env if v.startswith("MODEL_NAME=")), "") if isinstance(env, list) else ""
    starts = " ".join(map(str, command)) if isinstance(command, list) else ""
    if not name or not starts.endswith("/run"):
        return Finding(
            _SERVES,
            False,
            Sentence("MODEL_NAME is {name!r} and its command {starts!r}", name=name, starts=starts),
            N_("model/.s2i/environment names the class"),
        )
    return Finding(_SERVES, True, f"{name}, by {starts}")


def _buildah(context: CheckContext, *words: str) -> subprocess.CompletedProcess[str] | None:
    """The output of buildah; None without buildah."""
    try:
        return subprocess.run(
            ["buildah", *words], env=dict(context.env) or None, text=True, capture_output=True, check=False
        )
    except FileNotFoundError:
        return None
