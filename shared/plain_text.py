"""Plain text with quotations as Markdown that shows just that: what came from outside cannot become markup."""

import re

# Quoted words of somebody else stand between these; they are shown as code and never interpreted.
OPEN_QUOTE, CLOSE_QUOTE = "“", "”"
_QUOTED = re.compile(f"{OPEN_QUOTE}([^{CLOSE_QUOTE}]*){CLOSE_QUOTE}")
# What CommonMark or GitHub would read as markup; an underscore or a sign inside a word is none.
_MARKUP = re.compile(r"([\\`*\[\]<>|~&#!]|(?<!\w)_|_(?!\w))")
_LINE_START = re.compile(r"\A(\s*)([-+=]|\d+[.)])(?=\s|\Z)")
_AUTOLINK = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp)(:)|\b(www)(\.)")
# A sign that is nobody's name any more, for renderers that call people by what follows it.
_WORD_JOINER = "\u2060"
_SPACE = re.compile(r"\s+")


def markdown(text: str) -> str:
    """One line of Markdown that shows `text`, its quotations as code."""
    parts: list[str] = []
    at = 0
    for match in _QUOTED.finditer(text):
        parts += (_escaped(text[at : match.start()], is_start=at == 0), code(match[1]))
        at = match.end()
    parts.append(_escaped(text[at:], is_start=at == 0))
    return "".join(parts)


def code(text: str) -> str:
    """A code span that shows `text`: no link, mention, heading or HTML comes of it."""
    flat = " ".join(text.split()).replace("|", "¦")
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    ticks = "`" * (longest + 1)
    gap = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{gap}{flat}{gap}{ticks}" if flat else ""


def _escaped(text: str, *, is_start: bool) -> str:
    escaped = _MARKUP.sub(r"\\\1", _SPACE.sub(" ", text))
    escaped = _AUTOLINK.sub(lambda match: f"{match[1]}\\:" if match[1] else f"{match[3]}\\.", escaped)
    escaped = escaped.replace("@", f"@{_WORD_JOINER}")
    return _LINE_START.sub(r"\1\\\2", escaped) if is_start else escaped
