"""Precision and recall of the blameless lint, on sentences written for it and on public post-mortems.

    python -m tests.eval.blameless DATA

DATA holds folders of Markdown files that teams published. Their sentences were labelled by reading them; what stands in
`blameless_labels.txt` is a hash of each and whether it blames, no text of theirs. Sentences that only the linter's own
reading of the file yields are what is labelled: words in code, quotations and log lines are nobody's prose.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from services.drafting.blameless import lint
from services.drafting.blameless.prose import sentences

_WRITTEN = Path(__file__).parents[1] / "services" / "drafting" / "blameless" / "corpus"
_LABELS = Path(__file__).with_name("blameless_labels.txt")


@dataclass(slots=True)
class Score:
    """How often the lint and the label agree."""

    found: int = 0
    blaming: int = 0
    both: int = 0
    sentences: int = 0
    false_alarms: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    def add(self, text: str, *, is_found: bool, blames: bool) -> None:
        """Counts one sentence."""
        self.sentences += 1
        self.found += is_found
        self.blaming += blames
        self.both += is_found and blames
        if is_found and not blames:
            self.false_alarms.append(text)
        if blames and not is_found:
            self.misses.append(text)

    @property
    def precision(self) -> float:
        """The share of findings that are right; 1 where nothing was found."""
        return self.both / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of blaming sentences that are found; 1 where there is none."""
        return self.both / self.blaming if self.blaming else 1.0


def main(data: Path) -> int:
    """Measures and prints; 2 when there is nothing to measure."""
    files = sorted(data.glob("*/*.md"))
    if not files:
        print(f"no post-mortem found: {data}/*/*.md is not there; name the folder with DATA=", file=sys.stderr)
        return 2
    scores = {f"written: {path.stem}": written(path) for path in sorted(_WRITTEN.glob("*.txt"))}
    labels = read_labels(_LABELS.read_text(encoding="utf-8"))
    unlabelled: list[str] = []
    for folder in sorted({path.parent for path in files}):
        texts = (path.read_text(encoding="utf-8") for path in files if path.parent == folder)
        scores[f"public: {folder.name}"] = public(texts, labels, unlabelled)
    print(table(scores))
    for name, score in scores.items():
        for kind, those in (("false alarm", score.false_alarms), ("missed", score.misses)):
            for text in those:
                print(f"{name}: {kind}: {text}")
    for text in unlabelled:
        print(f"found, not labelled: {text}")
    return 0


def written(path: Path) -> Score:
    """The score of one file of sentences, `+` before those that blame."""
    score = Score()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line[:2] in ("+ ", "- "):
            score.add(line[2:], is_found=bool(lint(line[2:])), blames=line[0] == "+")
    return score


def public(texts: Iterable[str], labels: Mapping[str, bool], unlabelled: list[str]) -> Score:
    """The score over the labelled sentences of `texts`; what is found elsewhere goes to `unlabelled`."""
    score = Score()
    for text in dict.fromkeys(text for document in texts for text in prose(document)):
        is_found = bool(lint(text))
        blames = labels.get(fingerprint(text))
        if blames is not None:
            score.add(text, is_found=is_found, blames=blames)
        elif is_found:
            unlabelled.append(text)
    return score


def prose(document: str) -> Iterator[str]:
    """Its sentences of four words and more, on one line each."""
    for sentence in sentences(document):
        flat = " ".join(sentence.text.replace("\x01", "C").split())
        if len(flat.split()) >= 4:
            yield flat


def fingerprint(sentence: str) -> str:
    """The same for the same words, whatever stands between them."""
    words = "".join(character for character in sentence.casefold() if character.isalnum())
    return sha256(words.encode()).hexdigest()[:16]


def read_labels(text: str) -> dict[str, bool]:
    """Whether the sentence of a fingerprint blames."""
    return {line[2:18]: line[0] == "+" for line in text.splitlines() if line[:2] in ("+ ", "- ")}


def table(scores: Mapping[str, Score]) -> str:
    """A line a corpus, and all of its kind together."""
    rows = [f"{'corpus':<28}{'sentences':>10}{'blaming':>9}{'precision':>11}{'recall':>8}"]
    for kind in ("written", "public"):
        those = {name: score for name, score in scores.items() if name.startswith(kind)}
        total = Score()
        for name, score in those.items():
            rows.append(_row(name, score))
            for attribute in ("found", "blaming", "both", "sentences"):
                setattr(total, attribute, getattr(total, attribute) + getattr(score, attribute))
        rows.append(_row(f"{kind}, all", total))
    return "\n".join(rows)


def _row(name: str, score: Score) -> str:
    return f"{name:<28}{score.sentences:>10}{score.blaming:>9}{score.precision:>11.3f}{score.recall:>8.3f}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
