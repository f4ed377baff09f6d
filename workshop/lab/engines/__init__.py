"""Where a step or a container runs."""
