"""The sentences of a Markdown text, with their places, and nothing that somebody else said.

`sentences(text)` leaves out what is not the author's own prose: code, block quotes, quoted chat, log lines,
front matter, link targets. What is left out is overwritten in a copy of equal length, so an offset in a sentence is
an offset in the text. Every expression here is linear: alternatives exclude each other and nothing nests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Stands in for a masked run: CODE reads as a noun, GONE as white space.
CODE = "\x01"
GONE = " "

_SHOWN = re.compile(r"(?:title|summary|description):[ \t]+(?=\w)")
_FENCE = re.compile(r"[ \t>]*(?:[-*+][ \t]+|\d{1,3}[.)][ \t]+)?(`{3,}|~{3,})")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•][ \t]+|\d{1,3}[.)][ \t]+)(?:\[[ xX]\][ \t]+)?")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_QUOTE = re.compile(r"[ \t]{0,8}(?:[-*+][ \t]+)?>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]{1,400})\1(?!`)")
_LINK_TARGET = re.compile(r"\]\([^()\n]{0,2000}\)|\]\[[^\[\]\n]{0,200}\]")
_BARE_URL = re.compile(r"<?\bhttps?://[^\s<>|)]{1,2000}>?")
_TAG = re.compile(
    r"</?(?:a|b|br|i|u|p|hr|em|td|th|tr|ul|ol|li|h[1-6]|div|img|pre|sub|sup|kbd|time|span|code|table|thead|tbody|"
    r"strong|details|summary|script|style)\b[^<>\n]{0,300}>",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"\*+|(?<!\w)_+(?=\w)|(?<=[^\W_])_+(?!\w)")
_QUOTED = re.compile(
    r"\"([^\"\n]{1,600})\"|“([^”\n]{1,600})”|«([^»\n]{1,600})»|(?<![\w])[‘']([^’'\n]{1,600})[’'](?!\w)"
)
# The words before a quotation that make it somebody's speech, however short.
_SPEECH = re.compile(
    r"\b(?:said|says|wrote|writes|asked|asks|replied|answered|posted|reads|read|reported|commented|messaged|"
    r"typed|announced|stated|noted|message|comment|thread|channel|log|line|saying)[,:]?\s{0,3}$",
    re.IGNORECASE,
)
_TIME = r"\[?(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:[AP]M|UTC|Z|[+-]\d\d:?\d\d))?\]?"
_CHAT = re.compile(
    rf"(?:{_TIME}[ \t]*(?:[-–—|]|UTC)?[ \t]*)?(?:<@?[\w.-]{{1,40}}>[ \t]|@[\w.-]{{1,40}}[ \t]?:[ \t])"
    rf"|{_TIME}[ \t]+[\w.-]{{1,40}}(?: [A-Z][\w.-]{{1,40}})?:[ \t]"
    rf"|[A-Z]?[\w.-]{{1,40}}(?: [A-Z][\w.-]{{1,40}})? (?:\(|\[){_TIME}(?:\)|\])?[):]?[ \t]?:",
    re.IGNORECASE,
)
_NOT_A_SPEAKER = re.compile(
    rf"{_TIME}?[ \t]*(?:impact|cause|root|trigger|detection|detected|resolution|resolved|mitigation|summary|note|"
    r"action|"
    r"lesson|lessons|status|alert|deploy|rollback|finding|context|update|start|end|fix|factor|incident)\b",
    re.IGNORECASE,
)
_LOG_LINE = re.compile(
    rf"(?:{_TIME}|\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d)[^\n]{{0,60}}?[ \[\"'=|]"
    r"(?:ERROR|WARN|WARNING|INFO|DEBUG|FATAL|CRITICAL|TRACE|NOTICE|"
    r"error|warn|fatal)[\]\"':| ]"
    r"|[IWEF]\d{4} \d\d:\d\d:\d\d"
    r"|(?:\[?(?:ERROR|WARN|WARNING|FATAL|CRITICAL|DEBUG|PANIC|SEVERE)\]?[: \]])"
    r"|(?:[\w.]{1,80}(?:Error|Exception)(?:: |$))|Traceback \(most|panic: |[ \t]+at [\w.$]{1,200}\("
    r"|level=\w|[\w.-]{1,60}\[\d{1,7}\]: |\{\"|\w+=\S+ \w+=\S+ \w+="
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|cf|Mr|Mrs|Ms|Dr|St|no|al|fig|resp|incl|a\.m|p\.m)|\b[A-Z])$"
)
_END = re.compile(r"[.!?…]+[\"”’')\]*_]{0,4}(?=\s)|[.!?]+$|[;](?=\s)|\s[–—](?=\s)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as the linter reads it: masked, with its offset in the text."""

    text: str
    offset: int
    is_heading: bool = False
    is_item: bool = False


def sentences(text: str) -> Iterator[Sentence]:
    """The author's own sentences, in the order of the text."""
    masked = _mask_spans(text)
    for start, end, is_heading, is_item in _segments(masked):
        segment = _mask_quotations(masked[start:end])
        if not segment.strip():
            continue
        for at, until in _split(segment):
            yield Sentence(segment[at:until], start + at, is_heading, is_item)


def _blank(found: str, by: str = GONE) -> str:
    return "".join(character if character == "\n" else by for character in found)


def _front(line: str) -> str:
    """A line of front matter: of what is shown to readers the words, else nothing."""
    found = _SHOWN.match(line)
    # Stops, not blanks: what begins with four blanks is code.
    return _blank(line[: found.end() - 1], ".") + " " + line[found.end() :] if found else _blank(line)


def _mask_spans(text: str) -> str:
    """`text` with front matter, comments, code and link targets overwritten; as long as before."""
    lines = text.split("\n")
    fence = ""
    if lines[0].rstrip() == "---":
        closing = next((i for i, line in enumerate(lines[1:200], 1) if line.rstrip() in ("---", "...")), 0)
        if closing:
            lines[: closing + 1] = [_front(line) for line in lines[: closing + 1]]
    for i, line in enumerate(lines):
        found = _FENCE.match(line)
        if fence:
            lines[i] = _blank(line)
            if found and found.group(1).startswith(fence) and not line[found.end() :].strip():
                fence = ""
        elif found and "`" not in line[found.end() :]:
            fence = found.group(1)
            lines[i] = _blank(line)
    masked = "\n".join(lines)
    masked = _COMMENT.sub(lambda m: _blank(m.group()), masked)
    masked = _CODE_SPAN.sub(lambda m: _blank(m.group(), CODE), masked)
    masked = _LINK_TARGET.sub(lambda m: _blank(m.group()), masked)
    masked = _BARE_URL.sub(lambda m: _blank(m.group(), CODE), masked)
    return _TAG.sub(lambda m: _blank(m.group()), masked)


def _mask_quotations(segment: str) -> str:
    """Speech, long quotations and marks of emphasis overwritten; a word or three in quotes are the author's own."""
    segment = _EMPHASIS.sub(lambda found: _blank(found.group()), segment)

    def mask(found: re.Match[str]) -> str:
        words = next(group for group in found.groups() if group is not None)
        if len(words.split()) < 4 and not _SPEECH.search(segment[max(0, found.start() - 24) : found.start()]):
            return found.group()
        return _blank(found.group(), CODE)

    return _QUOTED.sub(mask, segment)


def _segments(masked: str) -> Iterator[tuple[int, int, bool, bool]]:
    """(start, end, heading?, list item?) of each paragraph, heading, list item and table cell."""
    at = 0
    opened: tuple[int, bool] | None = None
    end_of_open = 0
    before_blank, in_list = True, False
    for line in masked.split("\n"):
        start, end = at, at + len(line)
        at = end + 1
        item = _LIST_ITEM.match(line)
        body = item.end() if item else len(line) - len(line.lstrip())
        is_blank = not line.strip()
        is_code = before_blank and not in_list and not item and line.startswith(("    ", "\t"))
        heading = _HEADING.match(line)
        is_row = line.lstrip().startswith("|") or line.count(" | ") >= 2
        is_foreign = _is_foreign(line[body:]) or bool(_QUOTE.match(line)) or is_code
        breaks = is_blank or item or heading or is_row or is_foreign or _TABLE_RULE.match(line)
        if breaks and opened is not None:
            yield opened[0], end_of_open, False, opened[1]
            opened = None
        if item:
            in_list = True
        elif not is_blank and not line.startswith((" ", "\t")) and before_blank:
            in_list = False
        before_blank = is_blank
        if is_blank or is_foreign or _TABLE_RULE.match(line):
            continue
        if heading:
            yield start + heading.end(), end, True, False
        elif is_row:
            yield from _cells(line, start)
        elif opened is None:
            opened, end_of_open = (start + body, bool(item)), end
        else:
            end_of_open = end
    if opened is not None:
        yield opened[0], end_of_open, False, opened[1]


def _cells(line: str, start: int) -> Iterator[tuple[int, int, bool, bool]]:
    at = 0
    for cell in line.split("|"):
        if cell.strip() and not _is_foreign(cell.strip()):
            yield start + at, start + at + len(cell), False, True
        at += len(cell) + 1


def _is_foreign(line: str) -> bool:
    """A log line or a line of chat: somebody else's words."""
    head = line[:400].lstrip("*_ ")
    if _LOG_LINE.match(head):
        return True
    return bool(_CHAT.match(head)) and not _NOT_A_SPEAKER.match(head)


def _split(segment: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _END.finditer(segment):
        if _ABBREVIATION.search(segment[max(start, found.start() - 8) : found.start()]):
            continue
        if segment[start : found.end()].strip():
            yield start, found.end()
        start = found.end()
    if segment[start:].strip():
        yield start, len(segment)
