"""The participant's clone, read with git."""

from __future__ import annotations

import subprocess

from workshop.checks.finding import CheckContext

BRANCH = "mine"
"""The branch on which the participant works until module 10 merges it."""


def git(context: CheckContext, *words: str) -> str:
    """The output of a git command without the last newline; empty if it fails."""
    done = subprocess.run(
        ["git", *words], cwd=context.clone, env=dict(context.env) or None, text=True, capture_output=True, check=False
    )
    return done.stdout.rstrip("\n") if done.returncode == 0 else ""


def has(context: CheckContext, commit: str) -> bool:
    """Whether the clone has a branch or a commit."""
    return bool(git(context, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"))


def contains(context: CheckContext, branch: str, commit: str) -> bool:
    """Whether a commit is in the history of a branch."""
    return bool(commit) and commit in git(context, "rev-list", branch, "--").split()


def root(context: CheckContext, branch: str = "main") -> str:
    """The commit that the participant started from: the first of the branch."""
    return git(context, "rev-list", "--max-parents=0", branch).partition("\n")[0]


def shown(context: CheckContext, commit: str, path: str) -> str:
    """A file of a commit; empty if it is not in the commit."""
    return git(context, "show", f"{commit}:{path}")


def keep_and_go(context: CheckContext, branch: str, to: str) -> list[str]:
    """Set a branch back to a commit. Its commits and uncommitted changes are kept under another name."""
    said = []
    before = git(context, "rev-parse", "--quiet", "--verify", "refs/stash")
    git(context, "stash", "push", "--include-untracked", "-m", "put aside by workshop reset")
    # A notebook that was only run looks modified to `git status`, but is not changed.
    if git(context, "rev-parse", "--quiet", "--verify", "refs/stash") != before:
        said.append("put changes that were not committed aside: git stash list")
    if not has(context, branch) or git(context, "rev-parse", branch) == git(context, "rev-parse", to):
        return said
    # The name depends on the content, so keeping twice within a second loses nothing.
    kept = f"kept/{branch}-{git(context, 'rev-parse', '--short', branch)}"
    git(context, "branch", "--force", kept, branch)
    if git(context, "branch", "--show-current") == branch:
        git(context, "reset", "--quiet", "--hard", to)
    else:
        git(context, "branch", "--force", branch, to)
    said.append(f"brought {branch} back to {git(context, 'rev-parse', '--short', to)}; what it held is {kept}")
    if branch != "main" and has(context, f"origin/{branch}"):
        # Otherwise the participant's next push is refused; a push to main starts the pipeline.
        git(context, "push", "--quiet", "--force", "origin", f"{branch}:refs/heads/{branch}")
    return said


def drop(context: CheckContext, branch: str) -> list[str]:
    """Delete a branch, here and on the server; its commits are kept under another name."""
    said = keep_and_go(context, branch, "main")
    if git(context, "branch", "--show-current") == branch:
        git(context, "switch", "--quiet", "main")
    if has(context, branch):
        git(context, "branch", "--quiet", "-D", branch)
        said.append(f"deleted the branch {branch}")
    if git(context, "ls-remote", "--heads", "origin", branch):
        git(context, "push", "--quiet", "origin", "--delete", branch)
        said.append(f"deleted the branch {branch} on the server")
    return said
