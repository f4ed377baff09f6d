"""The types of the manifests: the allowed fields of each kind."""
