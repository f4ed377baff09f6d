"""The lab's Git server: the participant's repository over HTTP, and a webhook after a push, as on GitHub.

It plays the part that a Git server beside the cluster has. Not promised: users, access rules, pull requests, pages.
"""

from __future__ import annotations

from workshop.lab import environment
from workshop.lab.git.server import GitServer
from workshop.lab.lab import Lab


def server(lab: Lab) -> GitServer:
    """The lab's Git server, which listens on the port `git`."""
    env = environment.base(lab.paths)
    return GitServer(lab.store, lab.paths, lab.token, str(lab.url("git")), lab.participant, env)
