"""Becomes a PostgreSQL program that ends with its parent, also when the parent is root.

    python -m shared.postgres.launcher PROGRAM [ARGUMENT …]

PostgreSQL refuses to run as root. As root, this process first enters a user namespace of its own in which it is nobody
in particular (files stay root's, no directory needs its permissions changed); where the kernel forbids that, it becomes
the owner of the directory that AFTERACTION_POSTGRES_OWNER names, which the caller has prepared.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

OWNER_VARIABLE = "AFTERACTION_POSTGRES_OWNER"
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_INSIDE = 1000


def main() -> None:
    """Replaces this process by the program on the command line."""
    parent = os.getppid()
    if os.geteuid() == 0:
        leave_root()
    if sys.platform == "linux":
        # Asked for after the change of identity, which would clear it. SIGINT is PostgreSQL's fast shutdown.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(sys.argv[1], sys.argv[1:])


def leave_root() -> None:
    """Gives up root for this process, by a user namespace or by becoming the owner of the data directory."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and libc.unshare(_CLONE_NEWUSER) == 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{_INSIDE} 0 1")
        Path("/proc/self/gid_map").write_text(f"{_INSIDE} 0 1")
        return
    owner = Path(os.environ[OWNER_VARIABLE]).stat()
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


if __name__ == "__main__":
    main()
