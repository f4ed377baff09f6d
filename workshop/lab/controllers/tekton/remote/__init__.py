"""Tekton's resolvers: bundles, cluster, git, http and hub.

A run that names a resolver makes a ResolutionRequest (`requests`) and waits. `fetching` runs the resolver of each
request, with a time limit, and writes what it found into its status.
"""
