"""A card as Slack blocks, which Slack-compatible webhooks take as well."""

import re
from collections.abc import Iterable
from typing import Any

from services.drafting.cards.card import Card, Cause
from services.drafting.wording import percent
from shared.plain_text import CLOSE_QUOTE, OPEN_QUOTE

# Block Kit's limits: characters of a header and of a section's text (3,000, with room for the last line's end).
HEADER, SECTION, LINE = 150, 2900, 700
_QUOTED = re.compile(f"{OPEN_QUOTE}([^{CLOSE_QUOTE}]*){CLOSE_QUOTE}")
_MARKUP = re.compile(r"([*_~`])")


def blocks(card: Card, dashboard_url: str = "") -> list[dict[str, Any]]:
    """The blocks: header, situation, causes, next checks, changes, similar incidents, runbook."""
    head = _cut(f"{card.incident.facts.severity.name} {' '.join(card.title.split())}", HEADER)
    parts: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": head, "emoji": False}}]
    about = f"{card.incident.state.name.lower()}, {plain(card.incident.name)}, "
    about += f"owned by {plain(card.owner)}" if card.owner else "owner unknown"
    if dashboard_url:
        about += f", <{dashboard_url.rstrip('/')}/{card.incident.name}|open the card>"
    parts.append({"type": "context", "elements": [{"type": "mrkdwn", "text": about}]})
    similar = [
        plain(f"{one.past.title} ({one.past.score:.2f})"
              + (f", fixed by: {one.past.resolution}" if one.past.resolution else ""))
        for one in card.similar[:3]
    ]
    steps = [plain(f"{runbook.title}: {'; '.join(runbook.steps[:4])}") for runbook in card.runbooks[:1]]
    for title, lines in (
        ("What is broken", [plain(one.text) for one in card.situation]),
        ("Probable causes", [_cause(one) for one in card.shown]),
        ("Next checks", [plain(one.text) for one in card.next_checks]),
        ("What changed", [plain(one.text) for one in card.changes]),
        ("Similar incidents", similar),
        ("Runbook", steps),
        ("Missing", [plain(part) for part in card.missing]),
    ):
        if lines:
            text = f"*{title}*\n{_fitting(lines)}"
            parts.append({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}})
    return parts


def plain(text: str) -> str:
    """Text that Slack shows as it is: no mention, link, channel or formatting comes of it."""
    flat = _cut(" ".join(text.split()), LINE)
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = _QUOTED.sub(lambda match: f'"{match[1]}"', flat)
    # A word joiner keeps signs from being read as formatting, names as mentions and addresses as links.
    return _MARKUP.sub("\\1\u2060", flat).replace("@", "@\u2060").replace("://", ":\u2060//")


def _cause(cause: Cause) -> str:
    hypothesis = cause.hypothesis
    sure = f"{cause.likelihood} ({percent(hypothesis.probability)})" if hypothesis.service else "no cause found"
    where = f" in {plain(hypothesis.service)}" if hypothesis.service else ""
    return f"*{plain(cause.kinds)}*{where}, {sure}: {plain(cause.mechanism.text)}"


def _fitting(lines: Iterable[str]) -> str:
    """As many whole lines as a section holds: half an escape or a half-open formatting would show."""
    kept = ""
    for line in lines:
        longer = f"{kept}\n• {line}" if kept else f"• {line}"
        if len(longer) > SECTION:
            break
        kept = longer
    return kept


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
