"""A bare clone of the team's repository and the way to it, over dulwich. Blocking: called beside the event loop.

Our commits go on top of what people have pushed: those that the remote does not have yet are made again on its head,
file by file. What a person had there is in the history, and has come back as an amendment before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import urllib3
from dulwich.client import GitClient, HTTPProxyUnauthorized, HTTPUnauthorized
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.object_store import commit_tree_changes, tree_lookup_path
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.pack import UnpackedObject
from dulwich.refs import Ref
from dulwich.repo import Repo

from services.drafting.repository.way import is_path, way
from shared.errors import Unavailable

_AWAY = (
    OSError,
    GitProtocolError,
    NotGitRepository,
    HTTPUnauthorized,
    HTTPProxyUnauthorized,
    urllib3.exceptions.HTTPError,
)
_REMOTE = Ref(b"refs/afteraction/remote")
_FILE_MODE = 0o100644
COMMITTER = "Afteraction"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote something, as Git says it."""

    name: str
    email: str

    def line(self) -> bytes:
        return f"{_plain(self.name) or 'unknown'} <{_plain(self.email)}>".encode()


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit did to one file; `content` is None where it took the file away, `before` where it brought it."""

    commit: str
    author: Author
    path: str
    before: bytes | None
    content: bytes | None


class Clone:
    """The clone at `directory` of one branch at `location`: a path, made as a bare repository if missing, or an
    address."""

    def __init__(
        self, directory: Path, location: str, branch: str, *, user: str = "", token: str = "", ssh_command: str = ""
    ) -> None:
        self._location = location
        self._ssh_command = ssh_command
        self._branch = Ref(b"refs/heads/" + branch.encode())
        self._user = user
        self._token = token
        if is_path(location) and not Path(location).exists():
            _bare(Path(location), branch).close()
        self._repo = Repo(str(directory)) if (directory / "HEAD").exists() else _bare(directory, branch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._repo.close()

    def head(self) -> ObjectID | None:
        """Our newest commit."""
        return self._ref(self._branch)

    def fetch(self) -> str:
        """Brings what others pushed, and ours on top of it; the remote's newest commit, empty where it has none.
        Raises Unavailable."""
        try:
            with self._way() as (client, path):
                result = client.fetch(path, self._repo, determine_wants=self._wants)
        except _AWAY as error:
            raise self._away(error) from None
        remote = result.refs.get(self._branch)
        if remote is None:
            return ""
        self._repo.refs[_REMOTE] = remote
        self._go_on_top_of(remote)
        return remote.decode()

    def push(self) -> None:
        """The remote has our newest commit when it returns. Raises Unavailable: nothing is lost, try again."""
        head = self.head()
        if head is None or self._ref(_REMOTE) == head:
            return
        try:
            with self._way() as (client, path):
                result = client.send_pack(path.encode(), lambda refs: {self._branch: head}, self._pack)
                there = client.get_refs(path.encode()).refs.get(self._branch)
            status = (result.ref_status or {}).get(self._branch)
        except _AWAY as error:
            raise self._away(error) from None
        if status is not None or there != head:
            raise Unavailable("the repository moved on while it was pushed to", reason="REPOSITORY_MOVED")
        self._repo.refs[_REMOTE] = head

    def read(self, path: str) -> bytes | None:
        """A file as it stands in our newest commit."""
        head = self.head()
        return self._file(self._commit(head).tree, path) if head else None

    def commit(
        self, files: Mapping[str, bytes], *, author: Author, written_at: datetime, at: datetime, message: str
    ) -> bool:
        """One commit with the files; False, and none, where they stand there so already."""
        head = self.head()
        tree = self._commit(head).tree if head else self._add(Tree())
        if all(self._file(tree, path) == content for path, content in files.items()):
            return False
        made = Commit()
        made.tree = self._with_files(tree, files)
        made.parents = [head] if head else []
        made.author = author.line()
        made.committer = Author(COMMITTER, "afteraction@localhost").line()
        made.author_time, made.commit_time = int(written_at.timestamp()), int(at.timestamp())
        made.author_timezone = made.commit_timezone = 0
        made.encoding = b"UTF-8"
        made.message = message.encode()
        self._repo.refs[self._branch] = self._add(made)
        return True

    def has(self, commit: str) -> bool:
        """Whether a commit is part of the remote's history."""
        remote = self._ref(_REMOTE)
        return bool(commit) and remote is not None and self._is_ancestor(ObjectID(commit.encode()), remote)

    def changes(self, after: str, folders: Sequence[str]) -> list[Change]:
        """What the remote's commits after `after` did to files below the folders, the oldest first."""
        remote = self._ref(_REMOTE)
        if remote is None or remote == after.encode():
            return []
        read = [ObjectID(after.encode())] if after else None
        walker = self._repo.get_walker(include=[remote], exclude=read, order="topo")
        commits = [entry.commit for entry in walker]
        return [change for commit in reversed(commits) for change in self._of(commit, folders)]

    def _of(self, commit: Commit, folders: Sequence[str]) -> Iterator[Change]:
        """Of a merge only what none of its parents has: the rest is told by the commits that it brings together."""
        trees = [self._commit(parent).tree for parent in commit.parents]
        now = dict(self._files(commit.tree, folders))
        before: list[dict[str, ObjectID]] = [dict(self._files(tree, folders)) for tree in trees] or [{}]
        for path in sorted(set(now).union(*before)):
            if all(now.get(path) != known.get(path) for known in before):
                old = before[0].get(path)
                yield Change(
                    commit.id.decode(),
                    _author(commit.author),
                    path,
                    self._blob(old) if old else None,
                    self._blob(now[path]) if path in now else None,
                )

    def _files(self, tree: ObjectID, folders: Sequence[str]) -> Iterator[tuple[str, ObjectID]]:
        for folder in folders:
            try:
                _, sha = tree_lookup_path(self._repo.__getitem__, tree, folder.encode())
            except (KeyError, NotADirectoryError):
                continue
            there = self._repo[sha]
            for entry in there.items() if isinstance(there, Tree) else ():
                if entry.path and entry.path.endswith(b".md") and entry.sha and entry.mode == _FILE_MODE:
                    yield f"{folder}/{entry.path.decode(errors='replace')}", entry.sha

    def _go_on_top_of(self, remote: ObjectID) -> None:
        head = self.head()
        if head is None or self._is_ancestor(head, remote):
            self._repo.refs[self._branch] = remote
            return
        if self._is_ancestor(remote, head):
            return
        ours = [entry.commit for entry in self._repo.get_walker(include=[head], exclude=[remote], order="topo")]
        on = remote
        for commit in reversed(ours):
            files = self._written(commit)
            made = commit.copy()
            assert isinstance(made, Commit)
            made.tree, made.parents = self._with_files(self._commit(on).tree, files), [on]
            on = self._add(made)
        self._repo.refs[self._branch] = on

    def _written(self, commit: Commit) -> dict[str, bytes]:
        folders = ("postmortems", "runbooks")
        return {change.path: change.content for change in self._of(commit, folders) if change.content is not None}

    def _with_files(self, tree: ObjectID, files: Mapping[str, bytes]) -> ObjectID:
        changes = [(path.encode(), _FILE_MODE, self._add(Blob.from_string(content))) for path, content in files.items()]
        return commit_tree_changes(self._repo.object_store, tree, changes)

    def _file(self, tree: ObjectID, path: str) -> bytes | None:
        try:
            _, sha = tree_lookup_path(self._repo.__getitem__, tree, path.encode())
        except (KeyError, NotADirectoryError):
            return None
        return self._blob(sha)

    def _commit(self, sha: ObjectID) -> Commit:
        found = self._repo[sha]
        assert isinstance(found, Commit)
        return found

    def _blob(self, sha: ObjectID) -> bytes:
        found = self._repo[sha]
        assert isinstance(found, Blob)
        return found.data

    def _add(self, value: Blob | Tree | Commit) -> ObjectID:
        self._repo.object_store.add_object(value)
        return value.id

    def _pack(
        self,
        have: AbstractSet[ObjectID],
        want: AbstractSet[ObjectID],
        *,
        ofs_delta: bool = False,
        progress: Callable[[bytes], None] | None = None,
    ) -> tuple[int, Iterator[UnpackedObject]]:
        return self._repo.generate_pack_data(set(have), set(want), ofs_delta=ofs_delta)

    def _wants(self, refs: Mapping[Ref, ObjectID | None], depth: int | None = None) -> list[ObjectID]:
        there = refs.get(self._branch)
        return [there] if there and there not in self._repo.object_store else []

    def _ref(self, name: Ref) -> ObjectID | None:
        try:
            return self._repo.refs[name]
        except KeyError:
            return None

    def _is_ancestor(self, one: ObjectID, other: ObjectID) -> bool:
        if one == other:
            return True
        if one not in self._repo.object_store:
            return False
        return not any(True for _ in self._repo.get_walker(include=[one], exclude=[other], max_entries=1))

    def _way(self) -> AbstractContextManager[tuple[GitClient, str]]:
        return way(self._location, user=self._user, token=self._token, ssh_command=self._ssh_command)

    def _away(self, error: Exception) -> Unavailable:
        # Without its words: an address may hold a password.
        return Unavailable(f"the repository could not be reached: {type(error).__name__}", reason="REPOSITORY_AWAY")


def _bare(directory: Path, branch: str) -> Repo:
    directory.mkdir(parents=True, exist_ok=True)
    return Repo.init_bare(str(directory), default_branch=branch.encode())


def _author(line: bytes) -> Author:
    name, _, rest = line.decode(errors="replace").partition("<")
    return Author(name.strip(), rest.partition(">")[0].strip())


def _plain(text: str) -> str:
    """Without what ends a name or a line in a commit."""
    return " ".join("".join(each for each in text if each not in "<>\0").split())
