"""The way to a remote: a path, https with a token, or ssh by its command. What was opened on it is closed again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from dulwich.client import GitClient, SSHGitClient, SubprocessSSHVendor, SubprocessWrapper, get_transport_and_path

_TIMEOUT_S = 30.0
# Nobody is there to type a passphrase, and a server that is gone must be noticed.
SSH = "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15 -oServerAliveCountMax=2"


@contextmanager
def way(location: str, *, user: str = "", token: str = "", ssh_command: str = "") -> Iterator[tuple[GitClient, str]]:
    """A client for the remote, and the path on it. user, token: for http and https alone."""
    if location.startswith(("http://", "https://")):
        # dulwich knows no time limit of its own.
        with urllib3.PoolManager(timeout=_TIMEOUT_S, retries=False) as pool:
            yield get_transport_and_path(
                location, username=user or None, password=token or None, pool_manager=pool
            )
        return
    client, path = get_transport_and_path(location, ssh_command=None if is_path(location) else ssh_command or SSH)
    if not isinstance(client, SSHGitClient):
        yield client, path
        return
    # A process whose server refuses is left running by the client.
    opened = _Opened()
    client.ssh_vendor = opened
    try:
        yield client, path
    finally:
        opened.close()


def is_path(location: str) -> bool:
    """Whether a location is a path on this machine, and not `https://…`, `ssh://…` or `user@host:path`."""
    head = location.partition("/")[0]
    return "://" not in location and ":" not in head


class _Opened(SubprocessSSHVendor):
    """ssh as dulwich starts it, remembered."""

    def __init__(self) -> None:
        super().__init__()
        self._processes: list[SubprocessWrapper] = []

    def run_command(self, *arguments: Any, **options: Any) -> SubprocessWrapper:
        process = super().run_command(*arguments, **options)
        self._processes.append(process)
        return process

    def close(self) -> None:
        for each in self._processes:
            each.proc.terminate()
            each.close()
