"""The blameless lint over a post-mortem, with ids that a waiver can be given for."""

from services.drafting import blameless
from services.drafting.markdown.document import Document
from services.drafting.review.life import Finding
from shared.names import deterministic_id


def findings(document: Document) -> tuple[Finding, ...]:
    """What the lint finds in a document. An id stands for words in their line, wherever that line moves."""
    seen: dict[str, int] = {}
    found = []
    for hit in blameless.lint(document.text):
        line = document.lines(hit.line - 1, hit.line).strip() if hit.line <= len(document.line_starts) else ""
        key = f"{hit.rule}\x1f{hit.text}\x1f{line}"
        seen[key] = seen.get(key, 0) + 1
        found.append(
            Finding(
                f"F{deterministic_id('finding', key, str(seen[key]))[:6]}",
                hit.rule,
                hit.text,
                hit.why,
                hit.rewrite,
                hit.line,
                hit.column,
                document.section_at(hit.line),
            )
        )
    return tuple(found)
