"""Makes a terminal the controlling terminal of this process, then runs a command in it.

Run as `python -I -S child.py /dev/pts/N COMMAND...` by a session leader, as every child of the launcher is. Only a
session leader may have a controlling terminal, and without one Ctrl-C sends no signal.
"""

import fcntl
import os
import signal
import sys
import termios

terminal = os.open(sys.argv[1], os.O_RDWR)
# Linux did this when the terminal was opened; macOS and the BSDs need the request.
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for number in (0, 1, 2):
    os.dup2(terminal, number)
os.closerange(3, 256)
# Children inherit ignored signals: Python's own, so that `yes | head` would print a broken pipe error, and those of
# whatever has started the lab, such as a shell's `&`.
for name in signal.valid_signals():
    if signal.getsignal(name) is signal.SIG_IGN:
        signal.signal(name, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 the command is the lab's own
