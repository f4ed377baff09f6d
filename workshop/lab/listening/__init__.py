"""How the lab's own servers listen: one policy for time, size and number on every port.

`limits` has the numbers, `connection` applies them to one connection, `listener` to all connections of a port,
`server` makes a uvicorn server with them, `hosts` checks the Host header.
"""
