"""A tracker as somebody else's process: GitHub, Jira and Linear over real HTTP, which fails as networks and servers do.

It has no clock but the test's. `faults` says what becomes of each creation; everything else answers. What it holds in
`issues` is the truth about what exists.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h11

from shared.clock import Clock

SEARCH_LAG = timedelta(seconds=30)
_LATE = timedelta(seconds=20)


class Fault(Enum):
    """What becomes of a creation."""

    NONE = "it is made and answered"
    HANGS = "no answer, nothing made"
    HANGS_AND_MAKES = "made, no answer"
    MAKES_LATE = "no answer, made twenty seconds later"
    ERROR = "500, nothing made"
    ERROR_AND_MAKES = "500, but made"
    DROPS = "the connection ends, nothing made"
    DROPS_AND_MAKES = "the connection ends, made"
    LIMITS = "429 with Retry-After"
    LIMITS_SECONDARY = "403 as GitHub's secondary limit"


_MAKING = (Fault.NONE, Fault.HANGS_AND_MAKES, Fault.MAKES_LATE, Fault.ERROR_AND_MAKES, Fault.DROPS_AND_MAKES)


@dataclass(slots=True)
class Made:
    """One issue that exists from `at` on."""

    id: str
    title: str
    body: str
    at: datetime
    state: str = "open"
    reason: str = ""
    updated_at: datetime | None = None
    comments: list[str] = field(default_factory=list)


class _Hang(Exception):
    pass


class _Drop(Exception):
    pass


@dataclass(slots=True)
class _Reply:
    status: int
    body: Any = None
    headers: list[tuple[str, str]] = field(default_factory=list)


class FakeTracker:
    """All three vendors' interfaces at once, each below its own paths."""

    def __init__(self, clock: Clock, faults: Iterator[Fault]) -> None:
        self.clock = clock
        self.faults = faults
        self.issues: list[Made] = []
        self.creations = 0
        self.searches = 0
        self.tokens: set[str] = set()
        self.url = ""

    def existing(self) -> list[Made]:
        """Issues that are there by now."""
        return [issue for issue in self.issues if issue.at <= self.clock.now()]

    def open(self) -> list[Made]:
        return [issue for issue in self.existing() if issue.state == "open"]

    # ---- what the interfaces do -------------------------------------------------------------------------------

    def answer(self, method: str, target: str, body: bytes) -> _Reply:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        said = json.loads(body) if body else {}
        if parts.path == "/graphql":
            return self._linear(said)
        if parts.path.startswith("/repos/"):
            return self._github(method, parts.path, query, said)
        if parts.path.startswith("/search/"):
            self.searches += 1
        return self._jira(method, parts.path, query, said)

    def _create(self, title: str, body: str, made: Callable[[Made], _Reply], identifier: str = "") -> _Reply:
        self.creations += 1
        fault = next(self.faults, Fault.NONE)
        if fault is Fault.LIMITS:
            return _Reply(429, {"message": "slow down"}, [("Retry-After", "7")])
        if fault is Fault.LIMITS_SECONDARY:
            return _Reply(403, {"message": "You have exceeded a secondary rate limit"})
        if identifier and any(issue.id == identifier for issue in self.existing()):
            return _Reply(400, {"errors": [{"message": "an issue with this id exists"}]})
        at = self.clock.now() + (_LATE if fault is Fault.MAKES_LATE else timedelta())
        issue = Made(identifier or str(len(self.issues) + 1), title, body, at, updated_at=at)
        if fault in _MAKING and not (identifier and any(each.id == identifier for each in self.issues)):
            self.issues.append(issue)
        if fault in (Fault.HANGS, Fault.HANGS_AND_MAKES, Fault.MAKES_LATE):
            raise _Hang
        if fault in (Fault.DROPS, Fault.DROPS_AND_MAKES):
            raise _Drop
        if fault in (Fault.ERROR, Fault.ERROR_AND_MAKES):
            return _Reply(500, {"message": "Server Error"})
        return made(issue)

    def _github(self, method: str, path: str, query: dict[str, str], said: Any) -> _Reply:
        def row(issue: Made) -> dict[str, Any]:
            return {
                "number": int(issue.id),
                "html_url": f"https://github.com/acme/shop/issues/{issue.id}",
                "body": issue.body,
                "state": issue.state,
                "state_reason": issue.reason or None,
                "created_at": f"{issue.at:%Y-%m-%dT%H:%M:%SZ}",
            }

        if match := re.fullmatch(r"/repos/acme/shop/issues/(\d+)/comments", path):
            issue = self._by_id(match[1])
            if method == "POST":
                issue.comments.append(said["body"])
                return _Reply(201, {"id": len(issue.comments)})
            return _Reply(200, [{"body": text} for text in issue.comments])
        if match := re.fullmatch(r"/repos/acme/shop/issues/(\d+)", path):
            issue = self._by_id(match[1])
            issue.state, issue.reason = said["state"], said["state_reason"]
            issue.updated_at = self.clock.now()
            return _Reply(200, row(issue))
        if path != "/repos/acme/shop/issues":
            return _Reply(404, {"message": "Not Found"})
        if method == "POST":
            return self._create(said["title"], said["body"], lambda issue: _Reply(201, row(issue)))
        since = datetime.fromisoformat(query["since"])
        size, page = int(query["per_page"]), int(query["page"])
        found = [issue for issue in self.existing() if (issue.updated_at or issue.at) >= since]
        return _Reply(200, [row(issue) for issue in found[(page - 1) * size : page * size]])

    def _jira(self, method: str, path: str, query: dict[str, str], said: Any) -> _Reply:
        def row(issue: Made) -> dict[str, Any]:
            category = "new" if issue.state == "open" else "done"
            fields = {
                "status": {"statusCategory": {"key": category}},
                "resolution": None,
                "description": issue.body,
                "created": f"{issue.at:%Y-%m-%dT%H:%M:%S.000+0000}",
            }
            return {"id": f"1{issue.id}", "key": f"SHOP-{issue.id}", "fields": fields}

        if path == "/rest/api/2/issue" and method == "POST":
            fields = said["fields"]
            return self._create(
                fields["summary"],
                fields["description"],
                lambda issue: _Reply(201, {"id": f"1{issue.id}", "key": f"SHOP-{issue.id}", "self": "there"}),
            )
        if path in ("/rest/api/2/search/jql", "/rest/api/2/search"):
            self.searches += 1
            lagging = [issue for issue in self.existing() if issue.at + SEARCH_LAG <= self.clock.now()]
            start = int(query.get("nextPageToken") or query.get("startAt") or 0)
            size = int(query["maxResults"])
            page: dict[str, Any] = {"issues": [row(issue) for issue in lagging[start : start + size]]}
            if path.endswith("jql"):
                page |= {"nextPageToken": str(start + size)} if start + size < len(lagging) else {"isLast": True}
            else:
                page |= {"startAt": start, "total": len(lagging)}
            return _Reply(200, page)
        if match := re.fullmatch(r"/rest/api/2/issue/SHOP-(\d+)/transitions", path):
            issue = self._by_id(match[1])
            if method == "GET":
                moves = [{"id": str(n), "to": {"statusCategory": {"key": k}}} for n, k in ((11, "new"), (31, "done"))]
                return _Reply(200, {"transitions": moves})
            issue.state = "open" if said["transition"]["id"] == "11" else "closed"
            return _Reply(204)
        if match := re.fullmatch(r"/rest/api/2/issue/SHOP-(\d+)/remotelink", path):
            self._by_id(match[1]).comments = [said["globalId"]]
            return _Reply(201, {"id": 1})
        return _Reply(404, {"errorMessages": ["no such address"]})

    def _linear(self, said: Any) -> _Reply:
        query, variables = said["query"], said["variables"]

        def node(issue: Made) -> dict[str, Any]:
            return {
                "id": issue.id,
                "url": f"https://linear.app/acme/issue/{issue.id}",
                "createdAt": issue.at.isoformat(),
                "state": {"type": "unstarted" if issue.state == "open" else issue.reason},
            }

        if "issueCreate" in query:
            wanted = variables["input"]
            return self._create(
                wanted["title"],
                wanted["description"],
                lambda issue: _Reply(200, {"data": {"issueCreate": {"success": True, "issue": node(issue)}}}),
                wanted["id"],
            )
        if "attachmentCreate" in query:
            return _Reply(200, {"data": {"attachmentCreate": {"success": True}}})
        if "issueUpdate" in query:
            issue = self._by_id(variables["id"])
            issue.reason = variables["input"]["stateId"]
            issue.state = "open" if issue.reason == "unstarted" else "closed"
            return _Reply(200, {"data": {"issueUpdate": {"success": True}}})
        if "states" in query:
            states = [{"id": kind, "type": kind, "position": 1.0} for kind in ("unstarted", "completed", "canceled")]
            return _Reply(200, {"data": {"team": {"states": {"nodes": states}}}})
        found = [each for each in self.existing() if each.id == variables.get("id", each.id)]
        page = {"nodes": [node(each) for each in found], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        return _Reply(200, {"data": {"issues": page}})

    def _by_id(self, identifier: str) -> Made:
        return next(issue for issue in self.issues if issue.id == identifier)

    # ---- the wire ------------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            with suppress(ConnectionError, h11.RemoteProtocolError):
                while await self._one(connection, reader, writer):
                    connection.start_next_cycle()
        finally:
            writer.close()

    async def _one(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request: h11.Request | None = None
        body = b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        assert request is not None
        self.tokens.update(value.decode() for name, value in request.headers if name == b"authorization")
        try:
            reply = self.answer(request.method.decode(), request.target.decode(), body)
        except _Hang:
            await reader.read()  # until the other side gives up
            return False
        except _Drop:
            return False
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        headers = [("Content-Length", str(len(content))), ("Content-Type", "application/json"), *reply.headers]
        writer.write(connection.send(h11.Response(status_code=reply.status, headers=headers)) or b"")
        writer.write(connection.send(h11.Data(data=content)) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE


@asynccontextmanager
async def fake_tracker(clock: Clock, faults: Iterator[Fault]) -> AsyncIterator[FakeTracker]:
    """A running tracker on a free loopback port."""
    tracker = FakeTracker(clock, faults)
    server = await asyncio.start_server(tracker.serve, "127.0.0.1", 0)
    tracker.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield tracker
