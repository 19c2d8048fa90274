"""The YAML between `---` lines with which a Markdown file may begin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time

import yaml

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_KEY = re.compile(r"\s*[A-Za-z][\w -]*:")
_MOST_BYTES = 65536  # of front matter; aliases in YAML make more out of less, so it is also parsed without them


def split(text: str) -> tuple[dict[str, object], str]:
    """The front matter with its keys in lower case, and the text after it.

    What stands between the lines but is no mapping, or no YAML, is left in the text: a document may begin with a rule.
    """
    match = _FRONT.match(text)
    if not match or len(match.group(1)) > _MOST_BYTES:
        return {}, text
    try:
        loaded = yaml.load(match.group(1), Loader=_PlainLoader)  # noqa: S506 - a SafeLoader, without aliases
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, text
    if not isinstance(loaded, Mapping):
        return {}, text
    return {str(key).lower().replace("-", "_"): value for key, value in loaded.items()}, text[match.end() :]


def looks_unread(text: str) -> bool:
    """Whether `text` begins with what was meant as front matter, `key: value` lines between rules, and is no YAML."""
    match = _FRONT.match(text)
    return bool(match and _KEY.match(match.group(1))) and not split(text)[0]


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader that refuses aliases: nobody needs them here, and a few lines of them fill the memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def strings(front: Mapping[str, object], *keys: str) -> tuple[str, ...]:
    """The values under any of `keys` as strings: one, a list, or words between commas."""
    found: list[str] = []
    for key in keys:
        value = front.get(key)
        if isinstance(value, str):
            found += [part.strip() for part in value.split(",")]
        elif isinstance(value, list | tuple):
            found += [str(part).strip() for part in value if isinstance(part, str | int | float)]
        elif isinstance(value, int | float):
            found.append(str(value))
    return tuple(dict.fromkeys(part[:256] for part in found if part))


def string(front: Mapping[str, object], *keys: str) -> str:
    """The first value under `keys` that is text."""
    return next((str(front[key]).strip() for key in keys if isinstance(front.get(key), str | int | float)), "")


def moment(front: Mapping[str, object], *keys: str) -> datetime | None:
    """The first value under `keys` that is a date or a time; one without a zone is taken as UTC."""
    for key in keys:
        value = front.get(key)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(), UTC)
    return None
