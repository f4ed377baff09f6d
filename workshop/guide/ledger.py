"""Commands of the guide that the tests do not run, with the reason.

A fence with `only=cluster` does not run in the lab. Each module with such a fence must be listed here, and a test
compares both, so no command is skipped without a reason.
"""

NOT_RUN: dict[str, str] = {
    "08": "a terminal on a cluster has no container engine; the Pipeline build does there what s2i and buildah do",
    "12": "OpenShift's Prometheus asks for a token and for the project, and is known by the cluster's own authority",
    "15": "the same command as in module 12 asks OpenShift's Prometheus",
    "16": "only administrators of a cluster may send an alert to its Alertmanager, so a run is started by hand there",
}
"""A module's number, and why some of its commands do not run."""
MOST = 4
"""Limit of modules with such commands."""
