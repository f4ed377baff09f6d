"""The lab's API server: Kubernetes-shaped REST over the store, for oc, kubectl, tkn and the kit itself.

Requests are authorized by the Roles and bindings in the store (`workshop.lab.rbac`). Not supported: quotas, conversion
between versions, OpenAPI v2.
"""
