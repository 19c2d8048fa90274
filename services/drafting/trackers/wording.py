"""What an issue says. Its words come from telemetry and people, so nothing in them calls, links or hides anybody."""

import re

from services.drafting.trackers.issue import NewIssue

_LONGEST_TITLE = 200
_BREAKING = re.compile(r"([\\`*_\[\]{}|~#!])")


def title(issue: NewIssue) -> str:
    """One line of at most 200 characters."""
    line = " ".join(issue.title.split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1] + "…"


def facts(issue: NewIssue) -> list[tuple[str, str]]:
    """What is known of it, in order: name and value."""
    known = (
        ("Owner", issue.owner),
        ("Due", issue.due.isoformat() if issue.due else ""),
        ("Priority", f"P{issue.priority}" if issue.priority else ""),
        ("Why", " ".join(issue.reason.split())),
        ("From", issue.link or issue.postmortem),
    )
    return [(name, value) for name, value in known if value]


def inert(text: str) -> str:
    """Text that Markdown shows as it is; a word joiner keeps names from being mentions."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _BREAKING.sub(r"\\\1", plain).replace("@", "@\u2060")


def as_markdown(issue: NewIssue) -> str:
    """The body for those who read Markdown. The link is ours and stays one."""
    return "\n".join(
        f"**{name}:** {value if name == 'From' and issue.link else inert(value)}  " for name, value in facts(issue)
    )
