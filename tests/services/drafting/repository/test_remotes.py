"""The remote as teams have it: over smart HTTP with a token, and over ssh by its command."""

import base64
import gc
import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import pytest
from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_wsgi_chain

from services.drafting.repository.clone import Author, Clone
from shared.errors import Unavailable

NOW = datetime(2026, 7, 6, tzinfo=UTC)
ADA = Author("Ada", "ada@example.org")
TOKEN = "token-that-nobody-may-see"
PATH = "postmortems/2026-07-05-outage.md"


@pytest.fixture(autouse=True)
def _what_dulwich_leaves() -> Iterator[None]:
    """A remote that refuses leaves dulwich with an open answer, which its collection closes, and says so."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@contextmanager
def served(repository: Repo) -> Iterator[tuple[str, list[str]]]:
    """The repository over smart HTTP for whoever shows the token; its address, and what was asked for."""
    asked: list[str] = []
    repositories: dict[str, BackendRepo] = {"/shop.git": repository}
    chain = make_wsgi_chain(DictBackend(repositories))
    wanted = "Basic " + base64.b64encode(f"afteraction:{TOKEN}".encode()).decode()

    def guarded(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        if environ.get("HTTP_AUTHORIZATION") != wanted:
            start("401 Unauthorized", [("WWW-Authenticate", "Basic realm=git"), ("Content-Length", "0")])
            return [b""]
        return chain(environ, start)

    with make_server("127.0.0.1", 0, guarded, handler_class=WSGIRequestHandlerLogger,
                     server_class=WSGIServerLogger) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/shop.git", asked
        finally:
            server.shutdown()
            thread.join()


def write(clone: Clone, text: str) -> None:
    clone.fetch()
    assert clone.commit({PATH: text.encode()}, author=ADA, written_at=NOW, at=NOW, message="Outage")
    clone.push()


def test_revisions_go_over_https_with_a_token_that_no_log_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    caplog.set_level(logging.DEBUG)
    with Repo.init_bare(str(tmp_path / "remote"), mkdir=True, default_branch=b"main") as remote, served(remote) as (
        address, asked
    ):
        # when: two of us, one after the other
        with Clone(tmp_path / "one", address, "main", user="afteraction", token=TOKEN) as one:
            write(one, "# Outage\n")
        with Clone(tmp_path / "two", address, "main", user="afteraction", token=TOKEN) as two:
            write(two, "# Outage, amended\n")

        # then
        with Clone(tmp_path / "three", address, "main", user="afteraction", token=TOKEN) as three:
            head = three.fetch()
            assert three.read(PATH) == b"# Outage, amended\n"
            assert [change.content for change in three.changes("", ("postmortems",))] == [
                b"# Outage\n", b"# Outage, amended\n"]
        assert remote.refs[b"refs/heads/main"].decode() == head  # type: ignore[index]
        assert any(path.endswith("git-receive-pack") for path in asked)
    everything = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert TOKEN not in everything and base64.b64encode(f"afteraction:{TOKEN}".encode()).decode() not in everything
    assert all(TOKEN.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_refused_token_is_a_remote_that_is_away_and_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        Repo.init_bare(str(tmp_path / "remote"), mkdir=True) as remote,
        served(remote) as (address, _),
        Clone(tmp_path / "one", address, "main", user="afteraction", token="another-secret") as one,
        pytest.raises(Unavailable) as away,
    ):
        one.fetch()

    assert away.value.reason == "REPOSITORY_AWAY"
    assert "another-secret" not in str(away.value) + caplog.text


def ssh_that(tmp_path: Path, does: str) -> tuple[str, Path]:
    """A command in the place of ssh, which writes down what it was called with."""
    command, told = tmp_path / "ssh", tmp_path / "told"
    command.write_text(f'#!/bin/sh\necho "$@" >> {told}\nfor last; do :; done\n{does}\n')
    command.chmod(0o700)
    return f"{command} -oBatchMode=yes", told


def test_revisions_go_over_ssh_by_its_command(tmp_path: Path) -> None:
    # given a host on which the command that is asked for runs
    remote = tmp_path / "shop.git"
    Repo.init_bare(str(remote), mkdir=True, default_branch=b"main").close()
    command, told = ssh_that(tmp_path, 'exec sh -c "$last"')

    # when: a password that is set for https does not trouble ssh
    address = f"git@git.example.org:{remote}"
    with Clone(tmp_path / "one", address, "main", token=TOKEN, ssh_command=command) as one:
        write(one, "# Outage\n")

    # then
    with Clone(tmp_path / "two", f"ssh://git@git.example.org{remote}", "main", ssh_command=command) as two:
        two.fetch()
        assert two.read(PATH) == b"# Outage\n"
    said = told.read_text()
    assert "-oBatchMode=yes" in said and "git@git.example.org git-receive-pack" in said and TOKEN not in said


def test_ssh_that_refuses_is_a_remote_that_is_away(tmp_path: Path) -> None:
    command, _ = ssh_that(tmp_path, "echo 'Permission denied (publickey).' >&2; exit 255")
    address = "git@git.example.org:shop.git"

    with Clone(tmp_path / "one", address, "main", ssh_command=command) as one, pytest.raises(Unavailable) as away:
        one.fetch()

    assert away.value.reason == "REPOSITORY_AWAY"
