"""What varies in a log line by its form alone: numbers, ids, dates, addresses, paths, names of things.

Words are what a programmer wrote, everything else is what the program filled in. No mask knows any system: each
stands for a form in which people write values into log lines everywhere. All values become the same `<*>`, since one
place of a line holds an address today and a host name tomorrow.

First every run of digits becomes one digit (`collapsed`), so that lines which differ in numbers alone are one text and
the masks are needed once for all of them. Every pattern is bounded: the time is linear in the line.
"""

import re
from dataclasses import dataclass

ANY = "<*>"
# Eight letters and more of which each is a hexadecimal digit are one, too: no word is spelt with these alone.
_DIGITS = re.compile(r"[a-fA-F]{0,32}\d[0-9a-fA-F]*|\b(?:[a-f]{8,64}|[A-F]{8,64})\b")
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = r"\d:\d(?::\d(?:[.,]\d)?)?"
_UNIT = (r"(?:[KMGTP]i?B|[kKMGT]?[bB]ytes?|B|ns|us|µs|ms|msecs?|millis(?:econds?)?|s|secs?|seconds?|mins?|minutes?|"
         r"hours?|hrs?|days?|%|percent)")
# A secret that was taken out of an address is a part of it like any other.
_REDACTED = r"\[redacted:[a-z-]{1,30}\]"
# Said of a user, not the name of one.
_NO_NAME = (r"(?:user|not|is|was|has|had|with|from|by|in|on|at|to|does|did|can|cannot|could|may|must|will|and|or|the|"
            r"for|of|authentication|account|unknown|invalid|\w{2,20}ed)")


@dataclass(frozen=True, slots=True)
class _Mask:
    """needle: a character without which the pattern cannot match; empty where there is none."""

    pattern: re.Pattern[str]
    needle: str = ""
    replacement: str = ANY


_MASKS = (
    # A remark behind a quantity, `28902 bytes (28.2 KB) received`, is there or not with the size of the quantity.
    _Mask(re.compile(r" ?\([-+]?\d(?:\.\d)? ?[KMGTP]i?B\)"), "(", ""),
    # `()` is a group whose value is missing this time; a call, `run()`, follows its name without a space.
    _Mask(re.compile(r"(?<=\s)\(\)"), "(", f"({ANY})"),
    _Mask(re.compile(r"(?<=\s)\[\]"), "[", f"[{ANY}]"),
    # Dot leaders, `threshold.........0`.
    _Mask(re.compile(r"(?<!\.)\.{3,}+(?=\d)"), ".", "... "),
    _Mask(re.compile(rf"\b(?:{_DAY},? )?(?:{_MONTH} {{1,2}}\d|\d {_MONTH})\b(?:,? \d\b(?!:))?(?: {_CLOCK})?"
                     r"(?: (?:[AP]M|[A-Z]{3,4}|[+-]\d)\b)?(?: \d\b)?")),
    # A request line keeps its method: reading is another thing than deleting.
    _Mask(re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?=/|\*|https?:)[^\s\"]{1,4000}"
                     r"(?: HTTP/\d(?:\.\d)?)?"), replacement=rf"\1 {ANY}"),
    _Mask(re.compile(rf"\b[a-z][a-z0-9+.-]{{1,20}}://(?:{_REDACTED}|[^\s\"'<>,;)\]]){{1,4000}}"), ":"),
    _Mask(re.compile(r"(?<![\w.+@-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w@])"), "@"),
    _Mask(re.compile(r"(?<![\w.])[A-Za-z]:\\[^\s\"'<>|,;]{1,4000}"), "\\"),
    _Mask(re.compile(r"(?<![\w./)>-])(?!(?<=:)//)(?:\.{1,2}|~)?(?:/[\w.@%+~=:$*{}-]{0,255}){1,60}(?<=[\w*}/])"
                     r"(?:\?[^\s\"'<>]{0,4000})?"), "/"),
    _Mask(re.compile(r"(?<![\w./-])(?>(?:[\w.-]{1,100}/){1,20})[\w@-]{0,100}\.[\w.@$-]{1,200}"), "/"),
    # Times, hardware addresses, IPv6.
    _Mask(re.compile(r"(?<![0-9a-fA-F:])(?:[0-9a-fA-F]{1,4}::?){2,15}[0-9a-fA-F]{0,4}(?:%\w{1,16})?(?![0-9a-zA-Z:])"),
          ":"),
    # A host and its port; a lone word may as well be a name and its value, `code:17`.
    _Mask(re.compile(r"(?<![\w.-])(?:localhost|\w[\w-]{0,63}(?:[.-]\w{1,63}){1,20}):\d\b"), ":"),
    # Lists of hosts, `node-[0-31,40]`.
    _Mask(re.compile(r"\b[A-Za-z][\w-]{0,63}\[\d[\d,; -]{0,200}\]"), "["),
    _Mask(re.compile(rf"(?<![\w.])<? ?[-+]?\d(?:[.,]\d){{0,8}} ?{_UNIT}(?![\w/])")),
    _Mask(re.compile(r"[\w.@#$%+*~-]{0,64}\d(?:[\w.@#$%+*~/\\-]|:(?=\d))*(?<!\.)"), "0"),
    # Names of hosts, packages, files, properties; not of what was thrown, of a constant (`Action.SCREEN_ON`), of a key
    # (`os.name=`) or of a function (`Pool.take(`).
    _Mask(re.compile(r"(?<![\w.$/@-])(?>[A-Za-z_][\w-]{0,63}(?:\.[A-Za-z_$][\w$-]{0,63}){1,12})(?<!Exception)(?<!Error)"
                     r"(?<!\.[A-Z_]{2})(?<![A-Z_]{3})(?![\w($.]|\s?=)"), "."),
    _Mask(re.compile(r"\*{2,}"), "*"),
    _Mask(re.compile(r"\b((?:for|[Ii]nvalid|[Uu]nknown|[Ii]llegal|[Bb]y) user|[Uu]ser(?:name)?|"
                     rf"(?:password|publickey|session|login|failures) for)(:? )(?!{_NO_NAME}\b)"
                     r"['\"]?[\w.@\\$-]{1,64}['\"]?(?=\s|$|[,;.)\]])"), replacement=rf"\1\2{ANY}"),
    _Mask(re.compile(r"(?<=[=:(,])( ?)(?:true|false|null|True|False|NULL|none|None|nil|on|off|yes|no)\b"),
          replacement=rf"\1{ANY}"),
    # A quoted word in a sentence is the name of something; behind a key it may say what happened, `msg="done"`.
    _Mask(re.compile(r"(?<=\s)([\"'])[A-Za-z_][\w$/.-]{0,63}\1(?=[\s,;.)]|$)"), replacement=rf"\1{ANY}\1"),
    # A key whose value is empty this time.
    _Mask(re.compile(r"(?<=\w)=(?=[\s,;)\]}]|$)"), "=", f"={ANY}"),
    # Values in a row are a list, however long.
    _Mask(re.compile(r"<\*>(?:[ ,;#:|/]{0,3}<\*>)+"), "<"),
)


def collapsed(line: str) -> str:
    """`line` with every run of digits, and the hexadecimal letters around them, as one digit."""
    return _DIGITS.sub("0", line)


def mask(line: str) -> str:
    """`line` with everything that varies by its form replaced by `<*>`. line: collapsed."""
    for each in _MASKS:
        if not each.needle or each.needle in line:
            line = each.pattern.sub(each.replacement, line)
    return line
