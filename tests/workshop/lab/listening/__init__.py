"""Clients that exceed the limits of a port, over real sockets."""
