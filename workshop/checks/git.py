"""The participant's clone as the checks read it, by the real git."""

from __future__ import annotations

import subprocess

from workshop.checks.finding import CheckContext

BRANCH = "mine"
"""The branch on which the participant works until module 10 merges it."""


def git(context: CheckContext, *words: str) -> str:
    """What a git command prints, without the last newline; nothing when it fails."""
    done = subprocess.run(
        ["git", *words], cwd=context.clone, env=dict(context.env) or None, text=True, capture_output=True, check=False
    )
    return done.stdout.rstrip("\n") if done.returncode == 0 else ""


def has(context: CheckContext, commit: str) -> bool:
    """Whether the clone knows a branch or a commit."""
    return bool(git(context, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"))


def contains(context: CheckContext, branch: str, commit: str) -> bool:
    """Whether a commit is in the history of a branch."""
    return bool(commit) and commit in git(context, "rev-list", branch, "--").split()


def root(context: CheckContext, branch: str = "main") -> str:
    """The commit that the participant found: the first of the branch."""
    return git(context, "rev-list", "--max-parents=0", branch).partition("\n")[0]


def shown(context: CheckContext, commit: str, path: str) -> str:
    """A file as a commit has it; nothing when it is not in there."""
    return git(context, "show", f"{commit}:{path}")


def keep_and_go(context: CheckContext, branch: str, to: str) -> list[str]:
    """Bring a branch back to a commit; what was on it, or not committed, stays under another name."""
    said = []
    before = git(context, "rev-parse", "--quiet", "--verify", "refs/stash")
    git(context, "stash", "push", "--include-untracked", "-m", "put aside by workshop reset")
    # A notebook that was only run looks modified to `git status`, and is no change.
    if git(context, "rev-parse", "--quiet", "--verify", "refs/stash") != before:
        said.append("put changes that were not committed aside: git stash list")
    if not has(context, branch) or git(context, "rev-parse", branch) == git(context, "rev-parse", to):
        return said
    # Named by what it holds, so that keeping twice in a second loses nothing.
    kept = f"kept/{branch}-{git(context, 'rev-parse', '--short', branch)}"
    git(context, "branch", "--force", kept, branch)
    if git(context, "branch", "--show-current") == branch:
        git(context, "reset", "--quiet", "--hard", to)
    else:
        git(context, "branch", "--force", branch, to)
    said.append(f"brought {branch} back to {git(context, 'rev-parse', '--short', to)}; what it held is {kept}")
    if branch != "main" and has(context, f"origin/{branch}"):
        # Else the next push of the participant's would be refused; a push to main starts the pipeline.
        git(context, "push", "--quiet", "--force", "origin", f"{branch}:refs/heads/{branch}")
    return said


def drop(context: CheckContext, branch: str) -> list[str]:
    """Delete a branch, here and on the server; what it held stays under another name."""
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
