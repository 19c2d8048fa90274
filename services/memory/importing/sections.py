"""A Markdown document cut at the headings that people really use, each part with the role it plays.

`sections` is what to call. Headings are ATX and underlined ones, AsciiDoc's, bold labels on a line or a bullet of their
own (`**Impact**:`, `- **Resolution**:`), and plain `Impact:` lines when the word is one we know. Text in code fences
is never a heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.memory.documents import Role

# Words of a heading, after it was lowered and freed from punctuation, numbers and emoji, to what stands under it. The
# first phrase that the heading contains decides, so the narrower ones come first.
_PHRASES: tuple[tuple[Role, str], ...] = (
    (Role.OTHER, "time to|attendees|participants|stats|statistics|references?|glossary|appendix|metadata"),
    (Role.ACTION, "action item|action points|actions?|follow ?ups?|next steps|corrective|preventive|preventative|"
                  "prevention|improvements?|to ?dos?|tasks|future work|recommendations?|what we are doing|"
                  "remediation items|remediations? and follow|tickets|what are we doing|what we will do|going forward"),
    (Role.FACTORS, "contributing|factors?|conditions"),
    (Role.ROOT_CAUSE, "root causes?|causes?|rca|underlying|why (?:did|it|this)|five whys|5 whys|analysis|"
                      "technical details|explanation|fault|triggers? and cause"),
    (Role.TIMELINE, "timeline|key events|chronology|sequence of events|history|log of events|event log|events"),
    (Role.LESSONS, "lessons?|learn(?:ed|t|ings?)|what went (?:well|wrong|badly|poorly)|what did(?:n t| not)? go|"
                   "lucky|retrospective|reflections?|conclusions?|takeaways?|what worked|what could"),
    (Role.STEPS, "diagnos\\w+|steps?|procedure|investigat\\w+|playbook|runbook|troubleshoot\\w+|verif\\w+|"
                 "debugging|checks?|checklist|how to|triage|escalation|instructions|commands?|queries|preparation"),
    (Role.MITIGATION, "mitigat\\w+|resolution|resolved|remediat\\w+|recovery|repair|fix(?:es|ed)?|workarounds?|"
                      "solutions?|response|restor\\w+|rollback|"
                      "how (?:was|did|we).*(?:fix|resolve|recover|mitigat)\\w*"),
    (Role.IMPACT, "impact\\w*|affected|scope|blast radius|consequences?|damage|severity|customers?|users?"),
    (Role.SYMPTOMS, "symptoms?|detect\\w+|identified|alerts?|triggers?|meaning|how did we (?:notice|find)|"
                    "how was it (?:noticed|found)|when (?:to|does)|discover\\w+|signals?|problem|observ\\w+"),
    (Role.SUMMARY, "summary|tl ?dr|abstract|overview|synopsis|what happened|description|in short|introduction|"
                   "about|brief|incident|purpose|issue|report"),
    (Role.OTHER, "context|background|metrics|links?|notes?|additional|status|owners?|authors?"),
)
# What stands over the same parts elsewhere; looked for anywhere in a heading, since not every language puts spaces.
_ELSEWHERE: tuple[tuple[Role, str], ...] = (
    (Role.ACTION, "maßnahmen|nächste schritte|actions correctives|acciones|próximos pasos|ações|"
                  "再発防止|対策|改进|改進|后续"),
    (Role.ROOT_CAUSE, "ursache|cause racine|causa raíz|causa raiz|causas?$|原因|根本原因"),
    (Role.TIMELINE, "zeitleiste|zeitlicher ablauf|verlauf|chronologie|cronología|cronologia|línea de tiempo|"
                    "linha do tempo|時系列|タイムライン|经过|時間軸|时间线|時間線"),
    (Role.LESSONS, "erkenntnisse|lehren|enseignements|leçons|lecciones|lições|aprendizados|教訓|学んだこと|"
                   "经验教训|總結|总结"),
    (Role.MITIGATION, "behebung|wiederherstellung|résolution|rétablissement|resolución|mitigación|resolução|復旧|対応|"
                      "解决|恢复|處理|处理"),
    (Role.STEPS, "vorgehen|schritte|étapes|procédure|pasos|procedimiento|passos|procedimento|手順|步骤|步驟"),
    (Role.IMPACT, "auswirkung|betroffen|conséquences|impacto|影響|影响"),
    (Role.SYMPTOMS, "symptome|symptômes|síntomas|sintomas|症状|現象|检测|検知"),
    (Role.SUMMARY, "zusammenfassung|überblick|résumé|resumen|resumo|概要|要約|摘要|概述"),
)
_MEANINGS = tuple((role, re.compile(rf"\b(?:{words})\b")) for role, words in _PHRASES)
_FOREIGN = tuple((role, re.compile(words)) for role, words in _ELSEWHERE)
# A bold or plain label is a heading only when it is about this long: longer ones are sentences.
_LONGEST_LABEL = 48

_ATX = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ASCIIDOC = re.compile(r"^(={1,6})\s+(\S.*)$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_BOLD_LABEL = re.compile(r"^\s{0,3}(?:[-*+]\s+)?(?:\*\*|__)([^*_]{2,60}?)(?::?(?:\*\*|__):?)\s*(.*)$")
_PLAIN_LABEL = re.compile(r"^([A-Z][A-Za-z' /&-]{2,40}):\s*(.*)$")
_HTML_HEADING = re.compile(r"^\s*<h([1-6])[^>]*>(.*?)</h\1>\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, without the sections below it. `level` 0 is the text before any heading."""

    level: int
    heading: str
    role: Role
    text: str


def role_of(heading: str) -> Role | None:
    """What a section of this heading says, or None when the heading does not tell."""
    words = " ".join(re.findall(r"[a-z0-9]+", heading.lower()))
    for role, meaning in _MEANINGS:
        if meaning.search(words):
            return role
    return next((role for role, meaning in _FOREIGN if meaning.search(heading.lower())), None)


def sections(markdown: str) -> list[Section]:
    """The parts of `markdown` in order; a heading that tells nothing has the role of the one above it."""
    found: list[Section] = []
    above: list[tuple[int, Role]] = []
    for level, heading, text in _cut(markdown):
        while above and above[-1][0] >= level:
            above.pop()
        role = role_of(heading) if level else None
        inherited = above[-1][1] if above else Role.OTHER
        # A time under a timeline, or `Testing` under the action items, belongs to what it stands under; only the title
        # says nothing about the kind of text below it.
        if role is None or (level > 2 and inherited in (Role.TIMELINE, Role.ACTION, Role.LESSONS)):
            role = inherited
        is_title = level == 1 and not any(each.heading for each in found)
        above.append((level, Role.OTHER if is_title else role))
        found.append(Section(level, heading, Role.OTHER if is_title else role, text.strip("\n")))
    return [section for section in found if section.heading or section.text.strip()]


def _cut(markdown: str) -> Iterator[tuple[int, str, str]]:
    level, heading, body = 0, "", list[str]()
    in_fence = False
    for line in markdown.split("\n"):
        if _FENCE.match(line):
            in_fence = not in_fence
        elif not in_fence:
            if (mark := _UNDERLINE.match(line)) and body and _could_be_heading(body[-1], mark.group(1)):
                title = body.pop().strip()
                yield level, heading, "\n".join(body)
                level, heading, body = (1 if mark.group(1)[0] == "=" else 2), title, []
                continue
            if start := _heading(line):
                yield level, heading, "\n".join(body)
                level, heading, rest = start
                body = [rest] if rest else []
                continue
        body.append(line)
    yield level, heading, "\n".join(body)


def _could_be_heading(line: str, mark: str) -> bool:
    return len(mark) >= 3 and 0 < len(line.strip()) <= 120 and not line.lstrip().startswith(("|", "-", "*", ">"))


def _heading(line: str) -> tuple[int, str, str] | None:
    """(level, heading, what follows it on the line) when `line` opens a section. Labels are below any real heading."""
    if match := _ATX.match(line):
        return len(match.group(1)), _plain(match.group(2)), ""
    if match := _ASCIIDOC.match(line):
        return len(match.group(1)), _plain(match.group(2)), ""
    if match := _HTML_HEADING.match(line):
        return int(match.group(1)), _plain(match.group(2)), ""
    if (match := _BOLD_LABEL.match(line)) and len(match.group(1)) <= _LONGEST_LABEL:
        label, rest = match.group(1).strip(" :"), match.group(2)
        if role_of(label) is not None and (":" in line or not rest):
            return 7, label, rest
    if (match := _PLAIN_LABEL.match(line)) and len(match.group(1).split()) <= 4 and role_of(match.group(1)) is not None:
        return 7, match.group(1), match.group(2)
    return None


def _plain(heading: str) -> str:
    """A heading without emphasis, links and anchors."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[*`]|<[^>]*>|\{#[^}]*\}", "", heading).strip()
