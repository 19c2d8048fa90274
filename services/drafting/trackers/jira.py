"""Jira, Cloud and Data Center, over version 2 of its REST interface, whose texts both take as they are.

Jira takes no id of ours and lists issues through its search only, whose index lags: the description ends with the
marker, and who is in doubt waits for longer than the lag before the search is believed.
"""

import math
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from services.drafting.trackers import wording
from services.drafting.trackers.issue import Conversation, Issue, NewIssue, Request, State
from services.drafting.trackers.limits import judge
from services.drafting.trackers.signatures import verify
from shared.errors import FailedPrecondition

_API = "/rest/api/2"
_MARKER = re.compile(r"Afteraction reference: ([A-Za-z0-9]{20,64})")
_MARKUP = re.compile(r"([\\{}\[\]*_|~^+!])")
_FIELDS = "status,resolution,description,created"
_PAGE, _MOST_PAGES = 100, 100
_SKEW = timedelta(minutes=5)
_NOT_DONE = frozenset({"won't do", "won't fix", "duplicate", "declined", "cannot reproduce", "obsolete"})


class Jira:
    """One project. address: where people see it. is_cloud: its search has pages by token, that of Data Center by
    number."""

    name = "jira"
    takes_ids = False

    def __init__(
        self, project: str, *, address: str, is_cloud: bool, issue_type: str = "Task", labels: tuple[str, ...] = ()
    ) -> None:
        self._project = project
        self._address = address.rstrip("/")
        self._is_cloud = is_cloud
        self._issue_type = issue_type
        self._labels = labels

    def new_marker(self) -> str:
        return secrets.token_hex(16)

    def create(self, issue: NewIssue) -> Conversation[Issue]:
        facts = "\n".join(
            f"*{name}:* {value if name == 'From' and issue.link else _inert(value)}"
            for name, value in wording.facts(issue)
        )
        fields: dict[str, Any] = {
            "project": {"key": self._project},
            "issuetype": {"name": self._issue_type},
            "summary": wording.title(issue),
            "description": f"{facts}\n\nAfteraction reference: {issue.marker}",
        }
        if self._labels:
            fields["labels"] = list(self._labels)
        answer = yield Request("POST", f"{_API}/issue", {"fields": fields})
        judge(self.name, answer)
        made = answer.json()
        return Issue(made["key"], self._browse(made["key"]), issue.marker, State.OPEN)

    def changed(self, since: datetime, now: datetime) -> Conversation[tuple[Issue, ...]]:
        # Relative, because Jira reads a date in the time zone of whose token it is.
        minutes = math.ceil((now - since + _SKEW).total_seconds() / 60)
        jql = f'project = "{self._project}" AND updated >= "-{minutes}m" ORDER BY created ASC'
        wanted = {"jql": jql, "fields": _FIELDS, "maxResults": str(_PAGE)}
        place: dict[str, str] = {}
        found: dict[str, Issue] = {}
        for _ in range(_MOST_PAGES):
            path = f"{_API}/search/jql" if self._is_cloud else f"{_API}/search"
            answer = yield Request("GET", path, params=wanted | place)
            judge(self.name, answer)
            page = answer.json()
            issues = [self._issue(row) for row in page["issues"]]
            found |= {issue.id: issue for issue in issues if issue.marker}
            if self._is_cloud:
                if not page.get("nextPageToken"):
                    break
                place = {"nextPageToken": page["nextPageToken"]}
            else:
                seen = int(page["startAt"]) + len(issues)
                if not issues or seen >= int(page["total"]):
                    break
                place = {"startAt": str(seen)}
        return tuple(found.values())

    def close(self, issue: str, state: State, *, is_duplicate: bool = False) -> Conversation[None]:
        yield from self._move(issue, ("done",))

    def reopen(self, issue: str) -> Conversation[None]:
        yield from self._move(issue, ("new", "indeterminate"))

    def link(self, ticket_url: str, title: str, url: str) -> Conversation[bool]:
        match = re.fullmatch(re.escape(self._address) + r"/browse/([A-Z][A-Z0-9_]*-\d+)/?", ticket_url)
        if match is None:
            return False
        # The same globalId replaces the link that is there.
        wanted = {"globalId": url, "object": {"url": url, "title": f"Post-mortem: {title}"[:255]}}
        answer = yield Request("POST", f"{_API}/issue/{match[1]}/remotelink", wanted)
        judge(self.name, answer)
        return True

    def told(self, headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Issue | None:
        verify(self.name, body, secret, headers.get("x-hub-signature", "").removeprefix("sha256="))
        said = orjson.loads(body)
        if "issue" not in said or said.get("webhookEvent") == "jira:issue_deleted":
            return None
        issue = self._issue(said["issue"])
        return issue if issue.marker else None

    def _move(self, issue: str, categories: tuple[str, ...]) -> Conversation[None]:
        """Through the first transition that ends in one of the categories."""
        transitions = f"{_API}/issue/{issue}/transitions"
        answer = yield Request("GET", transitions)
        judge(self.name, answer)
        offered = {each["to"]["statusCategory"]["key"]: each["id"] for each in reversed(answer.json()["transitions"])}
        chosen = next((offered[key] for key in categories if key in offered), None)
        if chosen is None:
            raise FailedPrecondition(
                f"{issue} has no transition to {' or '.join(categories)} that the token may take",
                reason="TRACKER_REFUSED",
            )
        answer = yield Request("POST", transitions, {"transition": {"id": chosen}})
        judge(self.name, answer)

    def _issue(self, row: Mapping[str, Any]) -> Issue:
        fields = row["fields"]
        marker = _MARKER.search(str(fields.get("description") or ""))
        is_done = fields["status"]["statusCategory"]["key"] == "done"
        resolution = str((fields.get("resolution") or {}).get("name", "")).casefold()
        done = State.DROPPED if resolution in _NOT_DONE else State.DONE
        created = fields.get("created")
        return Issue(
            id=row["key"],
            url=self._browse(row["key"]),
            marker=marker[1] if marker else "",
            state=done if is_done else State.OPEN,
            created_at=datetime.fromisoformat(created) if created else None,
        )

    def _browse(self, key: str) -> str:
        return f"{self._address}/browse/{key}"


def _inert(text: str) -> str:
    """Text that Jira's markup shows as it is."""
    return _MARKUP.sub(r"\\\1", text)
