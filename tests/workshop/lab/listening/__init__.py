"""Senders that ask too much of a port, over real sockets."""
