"""The lab's Git server: the participant's repository over HTTP, with a webhook after each push, as on GitHub.

It replaces the Git server of a cluster. Not supported: users, access rules, pull requests, web pages.
"""

from __future__ import annotations

from workshop.lab import process_environment
from workshop.lab.git.server import GitServer
from workshop.lab.lab import Lab


def server(lab: Lab) -> GitServer:
    """The lab's Git server, on the port `git`."""
    env = process_environment.base(lab.paths)
    return GitServer(lab.store, lab.paths, lab.token, str(lab.url("git")), lab.participant, env)
