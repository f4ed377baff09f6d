"""The launcher process: it forks, watches and kills every child process of the lab.

`workshop.lab.runtimes.process.launcher` runs it as `python -I -S launcher_process.py FD`; FD is one end of a socket
pair, its only input. It has one thread and few modules, so a fork takes about a millisecond, and a child can set up
mounts, limits and signals in plain Python. It uses only the standard library and imports nothing of the kit.

Guarantees:
- Every child leads its own session. When a child ends, its process group and all orphans that it left are killed.
- When the socket closes, for example because the supervisor was killed with -9, every child is killed and the process
  exits.
- When the launcher process itself is killed, the kernel kills the children (Linux only).
"""

# Without pathlib and contextlib it starts in half the time; a child sets itself up with bare system calls.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH115, PTH120, PTH121, PTH123, PTH208, PTH211, SIM105, S606

from __future__ import annotations

import ctypes
import errno
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from typing import Any

LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None, use_errno=True) if LINUX else None

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
LOCKED_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048
"""What a mount must keep when it is remounted from within a user namespace (statvfs uses the same bits)."""


REAP_SECONDS = 0.02
"""Delay between a child's end and the search for its orphans. The search reads all of /proc, so it waits."""

OVERLAY_MARK = ".lab"
"""The name of an empty folder in each tmpfs of a private tree; it marks the folder as a tmpfs."""


class Failure(Exception):
    """Setting up a child failed; the text is sent to the supervisor."""


# -- system calls --------------------------------------------------------------------------------------------------


def _call(name: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise Failure(f"{name}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None, flags: int, what: str) -> None:
    """The mount system call."""
    assert _LIBC is not None
    fs = kind.encode() if kind else None
    _call(f"mount {what}", _LIBC.mount(source.encode(), target.encode(), fs, ctypes.c_ulong(flags), None))


def prctl(option: int, value: int) -> None:
    """The prctl system call; an option that the kernel does not know is ignored."""
    if _LIBC is not None:
        _LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def unshare() -> None:
    """Leave the parent's mount namespace; where that is not allowed, in a new user namespace."""
    assert _LIBC is not None
    if _LIBC.unshare(CLONE_NEWNS) == 0:
        return
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", _LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


# -- a child's own file tree ---------------------------------------------------------------------------------------


def pivot(base: str, mounts: list[list[Any]], shell: str | None, cwd: str) -> None:
    """Give this process its own root: the host's folders with `mounts` over them.

    The new root is a tmpfs, and so is every folder that needs a new mount point, so nothing is created on the host's
    file system. The working directory is created in the same way. `mounts` are [source, target, read_only]. `shell` is
    bound over /bin/sh, because many scripts use bash's [[ ]] under sh.
    """
    unshare()
    mount("none", "/", None, MS_REC | MS_PRIVATE, "/ private")
    mount("root", base, "tmpfs", 0, base)
    for entry in os.scandir("/"):
        show_entry(entry, f"{base}/{entry.name}")
    ours: list[str] = []
    for source, target, read_only in sorted(mounts, key=lambda m: str(m[1]).count("/")):
        path = os.path.normpath(target)
        if not any(path.startswith(other + "/") for other in ours):
            path = mount_point(base, path)
        bind_mount(source, base + path, bool(read_only))
        ours.append(path)
    cwd = os.path.normpath(cwd)
    if not any(cwd == other or cwd.startswith(other + "/") for other in ours):
        cwd = mount_point(base, cwd)
    os.makedirs(base + cwd, exist_ok=True)
    if shell and os.path.exists(base + "/bin/sh"):
        sh = os.path.realpath("/bin/sh")
        if not os.path.samefile(shell, sh):
            mount(shell, base + sh, None, MS_BIND, "/bin/sh")
    os.chroot(base)
    os.chdir("/")


def mount_point(base: str, target: str) -> str:
    """Prepare a path so that its missing part is created on a tmpfs; the path without symbolic links of the host.

    The deepest existing folder of the path is covered by a tmpfs that shows the same entries.
    """
    known = target
    while not os.path.lexists(known):
        known = os.path.dirname(known)
    host = os.path.realpath(known)
    if known != target and host != "/" and not has_overlay(base, host):
        tmpfs_overlay(base, host)
    return host + target[len(known) :] if known != "/" else target


def has_overlay(base: str, path: str) -> bool:
    """Whether a folder of the new root is a tmpfs in which files can be created."""
    return os.path.exists(f"{base}{path}/{OVERLAY_MARK}")


def tmpfs_overlay(base: str, path: str) -> None:
    """Cover a folder of the host with a tmpfs that shows the same entries."""
    mount("overlay", base + path, "tmpfs", 0, path)
    os.mkdir(f"{base}{path}/{OVERLAY_MARK}")
    for entry in os.scandir(path):
        show_entry(entry, f"{base}{path}/{entry.name}")


def show_entry(entry: os.DirEntry[str], target: str) -> None:
    """Show an entry of a host's folder at another path."""
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), target)
        return
    if entry.is_dir():
        os.mkdir(target)
    else:
        open(target, "w").close()
    mount(entry.path, target, None, MS_BIND | MS_REC, entry.path)


def bind_mount(source: str, target: str, read_only: bool) -> None:
    """Bind one file or folder; the missing part of the target's path is created."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    mount(source, target, None, MS_BIND | MS_REC, target)
    if read_only:
        flags = os.statvfs(target).f_flag & LOCKED_FLAGS
        mount("none", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, f"{target} read-only")


# -- children ------------------------------------------------------------------------------------------------------


def exec_child(request: dict[str, Any]) -> None:
    """In the forked child: set up the process and execute the program. Raises Failure or OSError; never returns."""
    os.setsid()
    # Orphans of this child become children of the launcher only when this child ends. So a child that the launcher
    # did not start is an orphan and is killed.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    out = os.open(request["log"], flags, 0o644)
    err = os.open(request["error_log"], flags, 0o644) if request.get("error_log") else out
    if request.get("mounts") is not None:
        pivot(request["base"], request["mounts"], request.get("shell"), request["cwd"])
    # After the namespaces, because gaining capabilities clears this setting.
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != request["launcher"]:
        os._exit(137)
    none = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((none, 0), (out, 1), (err, 2)):
        os.dup2(source, target)
    for name, (soft, hard) in (request.get("rlimits") or {}).items():
        import resource

        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (soft, hard))
    try:
        os.chdir(request["cwd"])
    except OSError as e:
        raise Failure(f"working directory {request['cwd']}: {os.strerror(e.errno or 0)}") from e
    argv = request["argv"]
    try:
        os.execvpe(argv[0], argv, request["env"])
    except OSError as e:
        if e.errno == errno.ENOENT:
            path = request["env"].get("PATH", "")
            raise Failure(f'exec: "{argv[0]}": no such program in PATH={path}') from e
        raise Failure(f'exec: "{argv[0]}": {os.strerror(e.errno or 0)}') from e


class LauncherProcess:
    """Reads requests, starts and kills children, sends events."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.selector = selectors.DefaultSelector()
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.starting: dict[int, tuple[int, int]] = {}
        """From a child's report pipe to its request's id and its pid, until the child executes."""
        self.children: dict[int, int] = {}
        self.closed = False
        self.reap_orphans_at: float | None = None

    def run(self) -> None:
        """Serve until the supervisor ends, then kill everything."""
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # Ctrl-C in the terminal reaches the supervisor, which then closes the socket.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.sock.setblocking(False)
        self.selector.register(self.sock, selectors.EVENT_READ, "socket")
        self.selector.register(reader, selectors.EVENT_READ, "signals")
        while not self.closed:
            wait = None if self.reap_orphans_at is None else max(self.reap_orphans_at - time.monotonic(), 0)
            for key, events in self.selector.select(wait):
                if key.data == "socket":
                    if events & selectors.EVENT_WRITE:
                        self.flush()
                    if events & selectors.EVENT_READ:
                        self.receive()
                elif key.data == "signals":
                    os.read(reader, 4096)
                    self.reap()
                else:
                    self.read_report(key.fd)
            if self.reap_orphans_at is not None and time.monotonic() >= self.reap_orphans_at:
                self.reap_orphans_at = None
                self.reap_orphans()
        self.kill_all()

    # -- the socket ------------------------------------------------------------------------------------------------

    def receive(self) -> None:
        """Read requests: four bytes of length, then JSON."""
        try:
            data = self.sock.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        self.inbox += data
        while len(self.inbox) >= 4:
            (length,) = struct.unpack("!I", self.inbox[:4])
            if len(self.inbox) < 4 + length:
                return
            request = json.loads(self.inbox[4 : 4 + length])
            del self.inbox[: 4 + length]
            if request["op"] == "start":
                self.start(request)
            else:
                self.kill(request["id"], request["signal"])

    def send(self, event: dict[str, Any]) -> None:
        """Send an event to the supervisor."""
        body = json.dumps(event).encode()
        self.outbox += struct.pack("!I", len(body)) + body
        self.flush()

    def flush(self) -> None:
        """Write what the socket accepts now; the rest follows when it is writable."""
        try:
            sent = self.sock.send(self.outbox) if self.outbox else 0
            del self.outbox[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.outbox else 0)
        self.selector.modify(self.sock, events, "socket")

    # -- children --------------------------------------------------------------------------------------------------

    def start(self, request: dict[str, Any]) -> None:
        """Fork. The child reports errors through a pipe that closes when it executes."""
        reader, writer = os.pipe()
        request["launcher"] = os.getpid()
        try:
            pid = os.fork()
        except OSError as e:
            os.close(reader)
            os.close(writer)
            self.send({"id": request["id"], "event": "failed", "error": f"fork: {os.strerror(e.errno or 0)}"})
            return
        if pid == 0:
            signal.set_wakeup_fd(-1)
            try:
                exec_child(request)
            except BaseException as e:
                os.write(writer, str(e).encode("utf-8", "replace")[:4096] or repr(e).encode())
            os._exit(127)
        os.close(writer)
        os.set_blocking(reader, False)
        self.children[pid] = request["id"]
        self.starting[reader] = (request["id"], pid)
        self.selector.register(reader, selectors.EVENT_READ, "child")

    def read_report(self, pipe: int) -> None:
        """Read whether a child executed or why it could not."""
        # An earlier event of this round may have closed the pipe, and its number may belong to a new pipe.
        if pipe not in self.starting:
            return
        try:
            text = os.read(pipe, 4096)
        except BlockingIOError:
            return
        self.selector.unregister(pipe)
        os.close(pipe)
        id_, pid = self.starting.pop(pipe)
        if text:
            # The child executed nothing, so the supervisor does not wait for its exit.
            self.children.pop(pid, None)
            os.waitpid(pid, 0)
            self.send({"id": id_, "event": "failed", "error": text.decode("utf-8", "replace")})
        else:
            self.send({"id": id_, "event": "started", "pid": pid})

    def kill(self, id_: int, number: int) -> None:
        """Signal a child's process group; does nothing after the child's end."""
        for pid, known in self.children.items():
            if known == id_:
                signal_group(pid, number)

    def reap(self) -> None:
        """Collect ended children and kill their groups. Orphans outside the group are killed a little later."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            pid = found.si_pid
            if pid in self.children:
                for pipe in [p for p, (_, starting) in self.starting.items() if starting == pid]:
                    self.read_report(pipe)
            id_ = self.children.pop(pid, None)
            if id_ is None:
                _wait(pid)
                continue
            # Until the child is waited for, the number of its group cannot be reused.
            signal_group(pid, signal.SIGKILL)
            _wait(pid)
            if self.reap_orphans_at is None:
                self.reap_orphans_at = time.monotonic() + REAP_SECONDS
            code = found.si_status if found.si_code == os.CLD_EXITED else 128 + found.si_status
            self.send({"id": id_, "event": "exited", "code": code})

    def reap_orphans(self) -> None:
        """Kill orphans: children of this process that it did not start."""
        if not LINUX:
            return
        me = os.getpid()
        while orphans := [p for p in children_of(me) if p not in self.children]:
            for pid in orphans:
                for descendant in [pid, *descendants_of(pid)]:
                    signal_one(descendant, signal.SIGKILL)
                _wait(pid)

    def kill_all(self) -> None:
        """Kill everything; the supervisor ended."""
        for pid in list(self.children):
            signal_group(pid, signal.SIGKILL)
        if LINUX:
            me = os.getpid()
            while left := children_of(me):
                for pid in left:
                    for descendant in [*descendants_of(pid), pid]:
                        signal_one(descendant, signal.SIGKILL)
                    _wait(pid)


def _wait(pid: int) -> None:
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


def signal_group(pgid: int, number: int) -> None:
    """Signal a process group, if it exists. macOS answers EPERM for a group of zombies."""
    try:
        os.killpg(pgid, number)
    except (ProcessLookupError, PermissionError):
        signal_one(pgid, number)


def signal_one(pid: int, number: int) -> None:
    """Signal a process, if it exists."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def parents() -> dict[int, int]:
    """Each process's parent, from /proc."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name in parentheses may contain spaces; the parent is the second field after it.
                    found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
    return found


def children_of(pid: int) -> list[int]:
    """A process's children."""
    return [child for child, parent in parents().items() if parent == pid]


def descendants_of(pid: int) -> list[int]:
    """All descendants of a process, children first."""
    table = parents()
    found, front = list[int](), [pid]
    while front:
        front = [child for child, parent in table.items() if parent in front]
        found += front
    return found


if __name__ == "__main__":
    LauncherProcess(socket.socket(fileno=int(sys.argv[1]))).run()
