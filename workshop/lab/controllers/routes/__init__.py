"""Routes: host names of the gateway."""
