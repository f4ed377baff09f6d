"""The terminal in the guide: a few shells of the lab's participant, each shown by any number of pages.

    shells = Shells(launcher, argv, env, cwd, log)
    terminal_routes(shells)          one WebSocket for each shell, behind the console's gate
    await shells.close()             every shell ends with all that it has started

A shell goes on when its page is closed; the next page gets the last `SCROLLBACK` bytes of its output first.
"""

from workshop.lab.pages.terminal.routes import terminal_routes
from workshop.lab.pages.terminal.shells import Shells

__all__ = ["Shells", "terminal_routes"]
