"""The kit's only code that talks to an API server: the lab's or a cluster's."""
