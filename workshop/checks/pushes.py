"""Sets a branch of the server back to an earlier commit, for the resets."""

from __future__ import annotations

import time

from workshop.checks import runs
from workshop.checks.finding import CheckContext, Editor
from workshop.checks.git import git, has, keep_and_go
from workshop.manifests.objects import name_of

APPEARS_SECONDS = 10.0


def bring_main_back(context: CheckContext, editor: Editor, to: str) -> list[str]:
    """Set main back to a commit, here and on the server, and stop the run that this starts; returns sentences.

    The commits of the clone's main are kept under another name.
    """
    said = keep_and_go(context, "main", to)
    if not has(context, "origin/main") or git(context, "rev-parse", "origin/main") == git(context, "rev-parse", to):
        return said
    known = {name_of(run) for run in runs.newest_first(context, runs.PIPELINE)}
    git(context, "push", "--quiet", "--force", "origin", f"{to}:refs/heads/main")
    said.append("brought main on the server back as well")
    deadline = time.monotonic() + APPEARS_SECONDS
    while time.monotonic() < deadline:
        for run in runs.newest_first(context, runs.PIPELINE):
            if name_of(run) not in known and runs.pushed_by(run):
                editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
                return [*said, "stopped the run that this had started"]
        time.sleep(0.3)
    return said
