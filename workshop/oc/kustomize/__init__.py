"""kustomize for the built-in oc: `build(folder)` gives the objects that `kubectl kustomize` would print.

What it does not do (charts, plugins, remote bases, vars) it refuses by name.
"""
