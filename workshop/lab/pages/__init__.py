"""The web pages of the lab: the console, the dashboards and the guide, protected by one token.

app = TokenGate(Starlette(routes=routes(context)), token)
"""

from workshop.lab.pages.auth import TokenGate
from workshop.lab.pages.context import Component, Context
from workshop.lab.pages.routes import routes

__all__ = ["Component", "Context", "TokenGate", "routes"]
