"""The clone in which a Task works: the login at the Git server, commits, the push to main, and the DVC remote.

GIT_URL, GIT_USERNAME and DVC_REMOTE_URL are in the ConfigMap mlops-endpoints, GIT_PASSWORD in the Secret git-login.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from configobj import ConfigObj  # type: ignore[import-untyped]

from delivery.errors import DeliveryError

MAIN = "main"
SKIP = "[skip ci]"
"""In the message of a commit that a pipeline made: the push of it starts no further pipeline."""
REMOTE = "workshop"
_AUTHOR = {"NAME": "MLOps pipeline", "EMAIL": "pipeline@mlops-workshop.invalid"}
_HELPER = '!f() { printf "username=%s\\npassword=%s\\n" "${GIT_USERNAME:-}" "${GIT_PASSWORD:-}"; }; f'
_LONGEST = 600
"""Characters of a program's message; the last ones have the reason."""


def log_in() -> None:
    """Let Git use clones of any owner, and answer GIT_URL's server, and no other, with GIT_USERNAME and GIT_PASSWORD.

    The login stays in the environment: no file has it.
    """
    git("config", "--global", "--add", "safe.directory", "*")
    url = urlsplit(os.environ.get("GIT_URL", ""))
    if url.scheme.startswith("http"):
        git("config", "--global", f"credential.{url.scheme}://{url.netloc}.helper", _HELPER)


def set_remote(folder: Path) -> str:
    """Make DVC_REMOTE_URL the default remote of a use case's folder, in a file that Git does not track. The address.

    Not by `dvc remote add`, which accepts ASCII only: the address may have other letters.
    """
    url = os.environ.get("DVC_REMOTE_URL", "")
    if not url:
        raise DeliveryError("DVC_REMOTE_URL is not set", next="oc get configmap mlops-endpoints -o yaml")
    config = ConfigObj(str(folder / ".dvc" / "config.local"), encoding="utf-8")
    config["core"] = {"remote": REMOTE}
    # WebDAV servers take files by PUT; DVC's own default is POST.
    config[f'remote "{REMOTE}"'] = {"url": url} | ({"method": "PUT"} if url.startswith("http") else {})
    config.write()
    return url


def refuse_links(folder: Path) -> None:
    """Raise DeliveryError when the output of a pointer in a use case's `data` lies behind a link.

    `dvc pull` follows links that Git has checked out, and writes to wherever they lead.
    """
    for pointer in sorted(folder.glob("data/*.dvc")):
        for out in (yaml.safe_load(pointer.read_text(encoding="utf-8")) or {}).get("outs") or ():
            place = (pointer.parent / str(out.get("path", ""))).relative_to(folder)
            for link in (folder / one for one in reversed(place.parents)):
                if link != folder and link.is_symlink():
                    raise DeliveryError(
                        f"{pointer}: the output {out['path']} lies behind the link {link}, allowed: folders",
                        next=f"git rm {link}",
                    )


def dvc_remotes(folder: Path) -> list[str]:
    """The sections of the DVC remotes that the configuration of a use case's folder names."""
    files = [folder / ".dvc" / name for name in ("config", "config.local")]
    # The keys are sections, such as 'remote "lab"', in single quotes when DVC itself wrote them.
    return [key for file in files for key in ConfigObj(str(file), encoding="utf-8") if "remote " in key]


def head() -> str:
    """The commit that is checked out: 40 hexadecimal digits."""
    return git("rev-parse", "HEAD")


def commit(message: str, paths: Sequence[str] = (".",)) -> str:
    """Commit these paths, if anything in them has changed. The commit that is checked out then."""
    git("add", "--all", "--", *paths)
    if git("diff", "--cached", "--name-only"):
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _AUTHOR.items()}
        git("commit", "--quiet", "--message", f"{message}\n\n{SKIP}", env=who)
    return head()


def push(otherwise: str) -> str:
    """Push what is checked out to main; the branch that has it now.

    When main has other commits by now, they stay: the branch `otherwise` gets the new ones. DeliveryError with Git's
    message when the server takes neither.
    """
    try:
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{MAIN}")
    except DeliveryError:
        git("fetch", "--quiet", "origin", MAIN)
        if not git("rev-list", "HEAD..FETCH_HEAD"):
            raise
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{otherwise}")
        return otherwise
    return MAIN


def dvc(*words: str) -> str:
    """What DVC prints. DeliveryError with its last lines."""
    return _run([sys.executable, "-m", "dvc", *words], f"dvc {words[0]}")


def git(*words: str, env: Mapping[str, str] | None = None) -> str:
    """What Git prints. DeliveryError with its message."""
    return _run(["git", *words], f"git {words[0]}", {"GIT_TERMINAL_PROMPT": "0", **(env or {})})


def _run(argv: Sequence[str], what: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(argv, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise DeliveryError(f"{what} failed: {'; '.join(line.strip() for line in lines)[-_LONGEST:]}")
    return done.stdout.strip()
