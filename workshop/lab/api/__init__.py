"""The lab's API server: Kubernetes-shaped REST over the store, for oc, kubectl, tkn and the kit itself.

Not promised: isolation between users (there is one), quotas, conversion between versions, OpenAPI v2.
"""
