"""The pages of pipeline runs: the list, a run as a graph, the steps of a task with their logs, approvals.

Everything is read from the store at each request. Server-sent events notify an open page of changes, and it requests
its parts again. Nothing is kept here, so a restart of the lab loses nothing.
"""

from workshop.lab.pages.runs.routes import run_routes

__all__ = ["run_routes"]
