"""The API server: Kubernetes-shaped REST over the store."""
