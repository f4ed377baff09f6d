"""The podman runtime: a container is a container of podman, with the image that a Pod names."""
