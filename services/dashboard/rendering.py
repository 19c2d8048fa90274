"""Templates: everything escaped, times in UTC, durations in words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from afteraction.v1.action_item_pb2 import ActionItemState, Priority
from afteraction.v1.document_pb2 import DocumentKind
from afteraction.v1.evidence_pb2 import EvidenceKind
from afteraction.v1.incident_pb2 import IncidentState, Severity
from afteraction.v1.postmortem_pb2 import PostmortemState, SectionKind
from shared.markdown import to_html
from shared.timestamps import from_proto

HERE = Path(__file__).parent
_CODE = re.compile(r"(`[^`]+`|“[^”]+”)")
_MARKS = re.compile(r"\s*\[\^[\w-]+\]")
_SAFE_LINK_STARTS = ("https://", "http://", "/")


def environment() -> Environment:
    """The dashboard's Jinja environment."""
    made = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(default=True),
                       undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(
        markdown=_markdown, time=time, clock=clock, iso=iso, duration=duration, number=number, percent=percent,
        severity=_word(Severity, "SEVERITY", keep_case=True),
        priority=_word(Priority, "PRIORITY", keep_case=True),
        incident_state=_word(IncidentState, "INCIDENT_STATE"),
        postmortem_state=_word(PostmortemState, "POSTMORTEM_STATE"),
        item_state=_word(ActionItemState, "ACTION_ITEM_STATE"),
        section=_word(SectionKind, "SECTION_KIND"),
        evidence_kind=_word(EvidenceKind, "EVIDENCE_KIND"),
        document_kind=_word(DocumentKind, "DOCUMENT_KIND"),
        identifier=identifier, href=href, plural=plural, inline=inline, without_marks=without_marks)
    return made


def _markdown(text: str) -> Markup:
    return Markup(to_html(text))  # noqa: S704 - the parser escapes all text and makes no HTML of its input


def time(at: Timestamp | datetime | None) -> str:
    """`2026-07-05 03:47 UTC`, or a dash."""
    moment = _moment(at)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "–"


def clock(at: Timestamp | datetime | None) -> str:
    """`03:47:12`"""
    moment = _moment(at)
    return f"{moment:%H:%M:%S}" if moment else "–"


def iso(at: Timestamp | datetime | None) -> str:
    """For `<time datetime>`."""
    moment = _moment(at)
    return moment.isoformat() if moment else ""


def duration(seconds: float) -> str:
    """Seconds as a person says them: `45 s`, `23 min`, `3 h 5 min`, `2 d 4 h`."""
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def number(value: float) -> str:
    """Three significant digits below a thousand, whole numbers with separators above."""
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _word(enum: Any, prefix: str, *, keep_case: bool = False) -> Callable[[int], str]:
    """Makes a filter: `INCIDENT_STATE_OPEN` as `open`; a value of a newer server as its number."""
    def word(value: int) -> str:
        if value == 0:
            return "–"
        if value not in enum.values():
            return str(value)
        name = str(enum.Name(value)).removeprefix(f"{prefix}_").replace("_", " ")
        return name if keep_case else name.lower()
    return word


def inline(text: str) -> Markup:
    """Plain text in which words between backticks or typographic quotes are shown as code."""
    return Markup("").join(Markup("<code>{}</code>").format(part[1:-1]) if _CODE.fullmatch(part) else part
                           for part in _CODE.split(text))


def without_marks(text: str) -> str:
    """A passage without the marks of its footnotes, which are not shown with it."""
    return _MARKS.sub("", text)


def identifier(name: str) -> str:
    """The part of a resource name behind its collection."""
    return name.partition("/")[2] or name


def href(url: str) -> str:
    """`url` where it is a path of ours or a web address; else nothing, so that no other scheme becomes a link."""
    return url if url.startswith(_SAFE_LINK_STARTS) and not url.startswith(("//", "/\\")) else ""


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _moment(at: Timestamp | datetime | None) -> datetime | None:
    if at is None:
        return None
    if isinstance(at, datetime):
        return at.astimezone(UTC)
    return from_proto(at)


