"""What varies in a log line by its shape alone: numbers, ids, addresses, paths, quoted requests, trailing groups.

No mask knows any system: each stands for a form of value that people write into log lines everywhere.
"""

import re

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A remark behind a quantity, `28902 bytes (28.2 KB) received`, is there or not with the size of the quantity.
    (re.compile(r" ?\([-+]?\d+(?:\.\d+)? ?[KMGT]i?B\)"), ""),
    (re.compile(r"<\s?\d+ (?=sec|ms|min)"), ""),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<ID>"),
    # A request line keeps its method: it is another thing to read than to delete.
    (re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) [^\s\"]{1,2000}(?: HTTP/\d(?:\.\d)?)?"), r"\1 <PATH>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]{1,2000}"), "<URL>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<HOST>"),
    (re.compile(r"\b(?:[A-Za-z0-9_-]{1,63}\.){1,8}[A-Za-z]{2,24}:\d{1,5}\b"), "<HOST>"),
    (re.compile(r"\[[0-9a-fA-F:]{3,45}\]:\d{1,5}"), "<HOST>"),
    (re.compile(r"(?<![\w/.])/(?:[\w.@%+~=-]{1,255}/){1,40}[\w.@%+~=-]{0,255}"), "<PATH>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "<HEX>"),
    (re.compile(r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)\b"), "<TIME>"),
    (re.compile(r"(?<![A-Za-z0-9_])[-+]?\d+(?:[.,:]\d+)*(?![A-Za-z0-9_])"), "<NUM>"),
)


def mask(line: str) -> str:
    """`line` with everything that varies by its shape replaced by the name of the shape."""
    for pattern, name in _MASKS:
        line = pattern.sub(name, line)
    return line
