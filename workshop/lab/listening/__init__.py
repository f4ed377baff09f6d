"""The lab's servers: the same limits of time, size and number on every port.

`limits` has the numbers, `connection` applies them to one connection, `listener` to all connections of a port, `server`
makes a uvicorn server with them, `hosts` checks the Host header.
"""
