"""What a tracker is to us: issues, and conversations that make, find, follow and close them.

A conversation is a generator that yields requests, is sent the answers, and returns what came of it. It does no I/O and
knows no clock, so that every turn of a protocol can be tested by hand.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Protocol, TypeVar

import orjson

from shared.errors import Unavailable

T = TypeVar("T")
# Why a request brought no answer: nothing was sent, or nobody knows what became of it.
NEVER_SENT, IN_DOUBT = "TRACKER_AWAY", "TRACKER_IN_DOUBT"


class State(IntEnum):
    """Where an issue is in its life over there; the numbers are those of the table."""

    UNKNOWN = 0
    OPEN = 1
    DONE = 2
    DROPPED = 3


@dataclass(frozen=True, slots=True)
class NewIssue:
    """An issue to be made. marker: a secret of its own, by which it is found again when the answer is lost."""

    marker: str
    title: str
    owner: str
    due: date | None
    priority: int
    reason: str
    postmortem: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as the tracker knows it; `marker` is empty where somebody else made it."""

    id: str
    url: str
    marker: str
    state: State
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, below the tracker's address; who sends it adds what proves who we are."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names in lower case. at: when it came, by our clock."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    at: datetime

    def json(self) -> Any:
        """What the body says. Raises Unavailable where it is no JSON: a proxy answered, not the tracker."""
        try:
            return orjson.loads(self.body or b"null")
        except orjson.JSONDecodeError:
            raise Unavailable(f"the tracker answered {self.status} without JSON", reason=IN_DOUBT) from None


Conversation = Generator[Request, Answer, T]


class Tracker(Protocol):
    """A vendor's protocol."""

    name: str
    # It refuses a second issue with the same client-supplied id: a creation whose answer was lost is asked for again.
    takes_ids: bool

    def new_marker(self) -> str:
        """A marker that nobody has used and nobody can guess."""
        ...

    def create(self, issue: NewIssue) -> Conversation[Issue]: ...

    def changed(self, since: datetime, now: datetime) -> Conversation[tuple[Issue, ...]]:
        """Our issues that somebody touched after `since`, from the listing."""
        ...

    def close(self, issue: str, state: State, *, is_duplicate: bool = False) -> Conversation[None]: ...

    def reopen(self, issue: str) -> Conversation[None]: ...

    def link(self, ticket_url: str, title: str, url: str) -> Conversation[bool]:
        """The ticket shows `url` from then on; twice is once. False where the ticket is not one of this tracker."""
        ...

    def told(self, headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Issue | None:
        """What a webhook says of an issue. Raises Unauthenticated when its signature is not the tracker's."""
        ...
