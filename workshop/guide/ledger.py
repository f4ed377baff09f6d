"""What of the guide is not run by the tests, and why: the fewer lines here, the better.

A fence with `only=cluster` is not run in the lab. Each such module must be named here with its reason, and a test holds
the two to each other, so nothing is skipped in silence.
"""

NOT_RUN: dict[str, str] = {
    "08": "a terminal on a cluster has no container engine; the Pipeline build does there what s2i and buildah do",
    "12": "OpenShift's Prometheus asks for a token and for the project, and is known by the cluster's own authority",
}
"""A module's number, and why some of its commands are not run."""
MOST = 3
"""How many modules may have such commands."""
