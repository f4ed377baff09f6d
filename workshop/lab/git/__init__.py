"""The lab's Git server: the participant's repository over HTTP, and a webhook after a push, as on GitHub.

It plays the part that a Git server beside the cluster has. Not promised: users, access rules, pull requests, pages.
"""

from workshop.lab.git.server import GitServer, is_push

__all__ = ["GitServer", "is_push"]
