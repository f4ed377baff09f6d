"""The pages of pipeline runs: the list, a run as a graph, the steps of a task with their logs, approvals.

Everything shown is read from the store at the request; a page that is open is told by server-sent events that
something changed and asks for its parts again. Nothing is kept here, so a restart of the lab loses nothing.
"""

from workshop.lab.pages.runs.routes import run_routes

__all__ = ["run_routes"]
