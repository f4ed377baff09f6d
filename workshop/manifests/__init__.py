"""The types of the manifests: what each kind's YAML may say."""
