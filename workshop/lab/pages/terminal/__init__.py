"""The terminal in the guide: a few shells of the lab's participant, each shown by any number of pages.

    shells = Shells(launcher, argv, env, cwd, log)
    terminal_routes(shells)          one WebSocket for each shell, behind the console's gate
    await shells.close()             ends every shell with its children

A shell continues when its page is closed. The next page first gets the last `SCROLLBACK` bytes of its output.
"""

from workshop.lab.pages.terminal.routes import terminal_routes
from workshop.lab.pages.terminal.shells import Shells

__all__ = ["Shells", "terminal_routes"]
