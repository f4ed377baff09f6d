"""The lab's Git server: each participant's repository over HTTP, with a webhook after each push, as on GitHub.

It replaces the Git server of a cluster. Not supported: users, access rules, pull requests, web pages.
"""

from __future__ import annotations

from workshop.lab import process_environment
from workshop.lab.git.server import GitServer, Owner
from workshop.lab.lab import Lab
from workshop.lab.participant import bare_folder


def server(lab: Lab) -> GitServer:
    """The lab's Git server, on the port `git`."""
    env = process_environment.base(lab.paths)
    owners = [Owner(view.participant, bare_folder(view.paths).parent, view.token) for view in lab.views]
    return GitServer(lab.store, lab.paths.git, str(lab.url("git")), owners, env)
