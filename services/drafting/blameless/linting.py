"""The blameless lint: what in a text blames a person, why that hurts, and how to put it instead.

`lint(text)` reads Markdown (or plain text) and returns findings in the order of the text. What others said (quotations,
chat, log lines, code) is not linted. One sentence gives at most one finding a rule.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from services.drafting.blameless.prose import sentences
from services.drafting.blameless.rules import EXPLANATIONS, RULES
from services.drafting.blameless.tokens import tokens

# Longer than any sentence that a person reads; what is longer is data.
_LONGEST_SENTENCE = 4000


@dataclass(frozen=True, slots=True)
class Finding:
    """Words that blame, and their place. Lines and columns count characters from 1; `end_column` is exclusive."""

    rule: str
    text: str
    line: int
    column: int
    end_column: int
    why: str
    rewrite: str


def lint(text: str) -> tuple[Finding, ...]:
    """Every finding in `text`, by place."""
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    findings: dict[tuple[int, str], Finding] = {}
    for sentence in sentences(text):
        if len(sentence.text) > _LONGEST_SENTENCE:
            continue
        words = tokens(sentence.text)
        for rule in RULES:
            for hit in rule(words):
                if hit.end <= hit.start:
                    continue
                start = sentence.offset + words[hit.start].start
                end = sentence.offset + words[min(hit.end, len(words)) - 1].end
                findings.setdefault((sentence.offset, hit.rule), _finding(text, starts, hit.rule, start, end))
    return tuple(sorted(findings.values(), key=lambda finding: (finding.line, finding.column, finding.rule)))


def _finding(text: str, starts: list[int], rule: str, start: int, end: int) -> Finding:
    line = bisect_right(starts, start)
    column = start - starts[line - 1] + 1
    end_of_line = (starts[line] - 1 if line < len(starts) else len(text)) - starts[line - 1] + 1
    words = re.sub(r"\s+", " ", text[start:end])
    why, rewrite = EXPLANATIONS[rule]
    return Finding(
        rule=rule,
        text=words,
        line=line,
        column=column,
        end_column=min(column + (end - start), end_of_line),
        why=why,
        rewrite=rewrite.format(words=words),
    )
