"""The built-in `oc`, for machines that have neither oc nor kubectl.

It does what the workshop's guide, Tasks and checks use, with kubectl's words and exit codes, and refuses the rest by
name. Written here because kubectl-ng, the one Python kubectl on PyPI, covers nine read-mostly verbs (no apply, no
wait on a JSONPath), needs 105 MB of packages and 0.9 s to start.
"""
