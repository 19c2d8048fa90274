"""What a file of the repository holds: front matter for programs, and below it the text, byte for byte.

    ---
    id: postmortems/wdzkjzqsz3nkkqf2
    revision: 4
    …
    ---
    # Checkout fails: …

`id` says which post-mortem or runbook a file is, wherever it is moved to; `revision` the text that an edit began from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from afteraction.v1.runbook_pb2 import Runbook
from services.drafting.review.life import Postmortem
from shared.names import identifier

_FRONT = re.compile(rb"---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"(?:postmortems|runbooks)/[A-Za-z0-9_-]{1,128}\Z")
_OURS = re.compile(rb"^id:[ \t]*((?:postmortems|runbooks)/[A-Za-z0-9_-]{1,128})[ \t]*\r?$", re.MULTILINE)
_REVISION = re.compile(rb"^revision:[ \t]*(\d{1,9})[ \t]*\r?$", re.MULTILINE)
_MOST_FRONT_BYTES = 64 * 1024
_SEVERITIES = {1: "P1", 2: "P2", 3: "P3", 4: "P4"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as somebody left it. name: empty where it says none that is ours; revision: 0 where it says none;
    is_broken: whether its front matter could not be read as YAML."""

    name: str
    revision: int
    tags: tuple[str, ...] | None
    text: str
    is_broken: bool = False


def path_of(name: str, onset_at: datetime | None = None) -> str:
    """Where a post-mortem or runbook stands. It does not follow the title: a file that moves loses its history."""
    collection = name.partition("/")[0]
    day = f"{onset_at:%Y-%m-%d}-" if onset_at else ""
    return f"{collection}/{day}{identifier(collection, name)}.md"


def of_postmortem(value: Postmortem) -> bytes:
    """The file of a published revision."""
    return _file(
        {
            "id": value.name,
            "title": value.title,
            "incident": value.incident,
            "severity": _SEVERITIES.get(value.severity, ""),
            "services": list(value.services),
            "tags": list(value.tags),
            "onset": _moment(value.onset_at),
            "resolved": _moment(value.resolved_at),
            "published": _moment(value.published_at),
            "ticket": value.ticket_url,
            "revision": value.revision,
        },
        value.markdown,
    )


def of_runbook(value: Runbook, revision: int, text: str) -> bytes:
    """The file of one revision of a runbook. What counts its use is left out: it would change with every incident."""
    return _file(
        {
            "id": value.name,
            "title": value.title,
            "service": value.service,
            "category": value.category,
            "postmortems": list(value.postmortems),
            "revision": revision,
        },
        text,
    )


def read(content: bytes) -> File:
    """What a file says, whatever a person made of it. Raises UnicodeDecodeError where the text is not UTF-8."""
    match = _FRONT.match(content) if len(content.partition(b"\n---")[0]) <= _MOST_FRONT_BYTES else None
    front = _front(match[1]) if match else {}
    # Ours with a slip in it: what it was written for can be told all the same, and it is no part of the text.
    is_broken = bool(match and not front and _OURS.search(match[1]))
    if match and is_broken:
        front = _by_lines(match[1])
    text = content[match.end() :] if match and front else content
    name, revision, tags = front.get("id"), front.get("revision"), front.get("tags")
    return File(
        name if isinstance(name, str) and _NAME.match(name) else "",
        revision if isinstance(revision, int) and 0 < revision < 2**31 else 0,
        tuple(map(str, tags)) if isinstance(tags, list) and all(isinstance(tag, str | int) for tag in tags) else None,
        text.decode(),
        is_broken,
    )


def _by_lines(content: bytes) -> Mapping[str, Any]:
    """`id` and `revision`, each on a line of its own."""
    name, revision = _OURS.search(content), _REVISION.search(content)
    return {"id": name[1].decode() if name else "", "revision": int(revision[1]) if revision else 0}


def _front(content: bytes) -> Mapping[str, Any]:
    try:
        said = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _file(front: Mapping[str, Any], text: str) -> bytes:
    known = {name: value for name, value in front.items() if value not in ("", [], None)}
    return b"---\n" + yaml.safe_dump(known, sort_keys=False, allow_unicode=True, width=1000).encode() + b"---\n" + (
        text.encode()
    )


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
