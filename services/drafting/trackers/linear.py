"""Linear, over its GraphQL interface.

Linear takes the id of an issue from us and refuses a second one with the same id: a lost answer is simply asked again.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from services.drafting.trackers import wording
from services.drafting.trackers.issue import Answer, Conversation, Issue, NewIssue, Request, State
from services.drafting.trackers.limits import judge, retry_after_s
from services.drafting.trackers.signatures import verify
from shared.errors import FailedPrecondition, ResourceExhausted, Unauthenticated

API = "https://api.linear.app"
_ISSUE = "id url createdAt state { type }"
CREATE = f"mutation($input: IssueCreateInput!) {{ issueCreate(input: $input) {{ success issue {{ {_ISSUE} }} }} }}"
FIND = (
    "query($id: ID!) { issues(filter: { id: { eq: $id } }, includeArchived: true) "
    f"{{ nodes {{ {_ISSUE} }} }} }}"
)
CHANGED = (
    "query($team: ID!, $since: DateTimeOrDuration!, $after: String) { issues(first: 100, after: $after, "
    "filter: { team: { id: { eq: $team } }, updatedAt: { gte: $since } }) "
    f"{{ nodes {{ {_ISSUE} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
STATES = "query($team: String!) { team(id: $team) { states { nodes { id type position } } } }"
UPDATE = "mutation($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }"
ATTACH = "mutation($input: AttachmentCreateInput!) { attachmentCreate(input: $input) { success } }"
_SKEW, _MOST_AGE = timedelta(minutes=5), timedelta(minutes=5)
_MOST_PAGES = 100
_STATES = {"completed": State.DONE, "canceled": State.DROPPED, "duplicate": State.DROPPED}


class Linear:
    """One team, by its id."""

    name = "linear"
    takes_ids = True

    def __init__(self, team: str) -> None:
        self._team = team

    def new_marker(self) -> str:
        return str(uuid.uuid4())

    def create(self, issue: NewIssue) -> Conversation[Issue]:
        wanted: dict[str, Any] = {
            "id": issue.marker,
            "teamId": self._team,
            "title": wording.title(issue),
            "description": wording.as_markdown(issue),
            "priority": issue.priority,  # 0 none, 1 urgent, 2 high, 3 medium
        }
        if issue.due:
            wanted["dueDate"] = issue.due.isoformat()
        answer = yield _graphql(CREATE, {"input": wanted})
        try:
            return _issue(_data(answer)["issueCreate"]["issue"])
        except FailedPrecondition:
            # Refused, perhaps because an earlier try came about.
            found = yield _graphql(FIND, {"id": issue.marker})
            nodes = _data(found)["issues"]["nodes"]
            if not nodes:
                raise
            return _issue(nodes[0])

    def changed(self, since: datetime, now: datetime) -> Conversation[tuple[Issue, ...]]:
        found: list[Issue] = []
        after = None
        for _ in range(_MOST_PAGES):
            variables = {"team": self._team, "since": (since - _SKEW).isoformat(), "after": after}
            answer = yield _graphql(CHANGED, variables)
            page = _data(answer)["issues"]
            found += [_issue(node) for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        return tuple(found)

    def close(self, issue: str, state: State, *, is_duplicate: bool = False) -> Conversation[None]:
        yield from self._move(issue, ("completed",) if state is State.DONE else ("canceled", "completed"))

    def reopen(self, issue: str) -> Conversation[None]:
        yield from self._move(issue, ("unstarted", "backlog", "started"))

    def link(self, ticket_url: str, title: str, url: str) -> Conversation[bool]:
        address, _, rest = ticket_url.partition("/issue/")
        identifier = rest.partition("/")[0]
        if not address.startswith("https://linear.app/") or not identifier:
            return False
        # An attachment with the same address on the same issue is replaced.
        wanted = {"issueId": identifier, "title": f"Post-mortem: {title}"[:255], "url": url}
        _data((yield _graphql(ATTACH, {"input": wanted})))
        return True

    def told(self, headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Issue | None:
        verify(self.name, body, secret, headers.get("linear-signature", ""))
        said = orjson.loads(body)
        sent = datetime.fromtimestamp(float(said.get("webhookTimestamp", 0)) / 1000, now.tzinfo)
        if abs(now - sent) > _MOST_AGE:
            raise Unauthenticated(f"the webhook was signed at {sent:%Y-%m-%d %H:%M} UTC", reason="OLD_SIGNATURE")
        return _issue(said["data"]) if said.get("type") == "Issue" and said.get("action") != "remove" else None

    def _move(self, issue: str, types: tuple[str, ...]) -> Conversation[None]:
        answer = yield _graphql(STATES, {"team": self._team})
        states = sorted(_data(answer)["team"]["states"]["nodes"], key=lambda each: each["position"])
        chosen = next((each["id"] for kind in types for each in states if each["type"] == kind), None)
        if chosen is None:
            raise FailedPrecondition(f"the team has no state of type {types[0]}", reason="TRACKER_REFUSED")
        _data((yield _graphql(UPDATE, {"id": issue, "input": {"stateId": chosen}})))


def _graphql(query: str, variables: Mapping[str, Any]) -> Request:
    return Request("POST", "/graphql", {"query": query, "variables": dict(variables)})


def _data(answer: Answer) -> Mapping[str, Any]:
    """What a query gave. Linear says errors with success and without, a limit with status 400."""
    errors: list[Mapping[str, Any]] = []
    if answer.status in (200, 400):
        errors = answer.json().get("errors") or []
    if any((each.get("extensions") or {}).get("code") == "RATELIMITED" for each in errors):
        raise ResourceExhausted(
            "linear asks to wait", reason="TRACKER_LIMIT", retry_after_s=retry_after_s(answer) or 60.0
        )
    judge("linear", answer)
    if errors:
        words = "; ".join(str(each.get("message", "")) for each in errors)[:200]
        raise FailedPrecondition(f"linear answered: {words}", reason="TRACKER_REFUSED")
    data: Mapping[str, Any] = answer.json()["data"]
    return data


def _issue(node: Mapping[str, Any]) -> Issue:
    created = node.get("createdAt")
    return Issue(
        id=node["id"],
        url=node.get("url", ""),
        marker=node["id"],
        state=_STATES.get((node.get("state") or {}).get("type", ""), State.OPEN),
        created_at=datetime.fromisoformat(created) if created else None,
    )
