"""Makes a terminal the controlling one of this process, then runs a command in it.

Run as `python -I -S child.py /dev/pts/N COMMAND...` by a process that leads its session, as every child of the
launcher does: only such a process may have a controlling terminal, and without one Ctrl-C reaches nobody.
"""

import fcntl
import os
import signal
import sys
import termios

terminal = os.open(sys.argv[1], os.O_RDWR)
# Linux has done this at the open; macOS and the BSDs wait for the request.
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for number in (0, 1, 2):
    os.dup2(terminal, number)
os.closerange(3, 256)
# Python ignores these, and a program inherits it: `yes | head` would complain of a broken pipe.
for name in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(name, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 the command is the lab's own
