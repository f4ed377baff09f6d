"""Role-based access control: which user may send which request, by the Roles and bindings in the store.

The semantics are those of the RBAC authorizer of a Kubernetes API server (kubernetes.io, "Using RBAC Authorization").
"""
