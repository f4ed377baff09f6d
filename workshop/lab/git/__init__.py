"""The lab's Git server: each participant's repository over HTTP, with a webhook after each push, as on GitHub.

It replaces the Git server of a cluster, and is as Gitea where programs call it. Merge requests are made by a push; the
console's page Commits shows them. Not supported: users and access rules.
"""

from __future__ import annotations

from workshop.lab import process_environment
from workshop.lab.forge.notice import Incoming, Notify
from workshop.lab.git.server import GitServer, Owner
from workshop.lab.lab import Lab
from workshop.lab.participant import bare_folder


def server(lab: Lab, notify: Notify | None = None, incoming: Incoming | None = None) -> GitServer:
    """The lab's Git server, on the port `git`. `notify` gets its events in this process, `incoming` webhooks."""
    env = process_environment.base(lab.paths)
    owners = [Owner(view.participant, bare_folder(view.paths).parent, view.token) for view in lab.views]
    pages = str(lab.url("console"))
    return GitServer(lab.store, lab.paths.git, str(lab.url("git")), owners, env, notify, pages, incoming)
