"""The lab's API server: Kubernetes-shaped REST over the store, for oc, kubectl, tkn and the kit itself.

Not supported: isolation between users (there is one user), quotas, conversion between versions, OpenAPI v2.
"""
