"""A card as Slack blocks, which Slack-compatible webhooks take as well."""

import re
from typing import Any

from services.drafting.card import Card
from services.drafting.statements import CLOSE_QUOTE, OPEN_QUOTE
from services.drafting.wording import percent

# Slack's limits: characters of a header, of a section's text, and blocks of a message.
_HEADER, _SECTION, _BLOCKS = 150, 2900, 50
_QUOTED = re.compile(f"{OPEN_QUOTE}([^{CLOSE_QUOTE}]*){CLOSE_QUOTE}")
_MARKUP = re.compile(r"([*_~`])")


def blocks(card: Card, dashboard_url: str = "") -> list[dict[str, Any]]:
    """The blocks: header, situation, causes, changes, similar incidents, runbook, next checks."""
    facts = card.incident.facts
    head = f"{facts.severity.name} {card.title}"[:_HEADER]
    parts: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": head, "emoji": False}}]
    about = f"{card.incident.state.name.lower()}, {plain(card.incident.name)}"
    if card.owner:
        about += f", owned by {plain(card.owner)}"
    if dashboard_url:
        about += f", <{dashboard_url.rstrip('/')}/{card.incident.name}|open the card>"
    parts.append({"type": "context", "elements": [{"type": "mrkdwn", "text": about}]})
    causes = [
        f"*{cause.hypothesis.kind.value}* {plain(cause.hypothesis.service)} {percent(cause.hypothesis.probability)}: "
        f"{plain(cause.mechanism.text)}"
        for cause in card.causes[:3]
    ]
    similar = [
        f"{plain(one.past.title)} ({one.past.score:.2f})"
        + (f": {plain(one.past.resolution)}" if one.past.resolution else "")
        for one in card.similar[:3]
    ]
    steps = [f"{plain(runbook.title)}: {plain('; '.join(runbook.steps[:3]))}" for runbook in card.runbooks[:1]]
    for title, lines in (
        ("What is broken", [plain(one.text) for one in card.situation[:5]]),
        ("Probable causes", causes),
        ("What changed", [plain(one.text) for one in card.changes[:4]]),
        ("Similar incidents", similar),
        ("Runbook", steps),
        ("Next checks", [plain(one.text) for one in card.next_checks[:3]]),
        ("Missing", [plain(part) for part in card.missing]),
    ):
        if lines:
            text = f"*{title}*\n" + "\n".join(f"• {line}" for line in lines)
            parts.append({"type": "section", "text": {"type": "mrkdwn", "text": text[:_SECTION], "verbatim": True}})
    return parts[:_BLOCKS]


def plain(text: str) -> str:
    """Text that Slack shows as it is: no mention, link, channel or formatting comes of it."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = _QUOTED.sub(lambda match: f'"{match[1]}"', flat)
    # A word joiner keeps signs from being read as formatting, names as mentions and addresses as links.
    return _MARKUP.sub("\\1\u2060", flat).replace("@", "@\u2060").replace("://", ":\u2060//")
