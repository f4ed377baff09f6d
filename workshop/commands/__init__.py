"""One module a verb: what the user types."""
