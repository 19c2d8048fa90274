"""Grouping accuracy of log patterns: `python -m tests.eval.ingestion_logs DATA [OUT]`.

DATA holds a folder NAME for each system with NAME_2k.log_structured.csv (Loghub's layout). The `Content` column is
mined in file order, in one pass, with production's configuration: a line's group is what it is given when it comes.
Grouping accuracy is the share of lines whose group holds exactly the lines of one true EventId. OUT gets NAME.csv with
LineId,group.
"""

import csv
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from services.ingestion.drain import Tree
from services.ingestion.settings import Settings


def mined(lines: Sequence[str]) -> tuple[list[int], float]:
    """The group of each line, and CPU seconds."""
    tree = Tree(Settings().patterns_per_service)
    began = time.process_time()
    numbers = [tree.add(line).number for line in lines]
    return numbers, time.process_time() - began


def grouping_accuracy(groups: Sequence[object], truth: Sequence[object]) -> float:
    """Share of lines whose group is exactly one true group."""
    by_group, by_truth = defaultdict(set), defaultdict(set)
    for index, (group, event) in enumerate(zip(groups, truth, strict=True)):
        by_group[group].add(index)
        by_truth[event].add(index)
    right = sum(len(lines) for lines in by_group.values() if by_truth[truth[next(iter(lines))]] == lines)
    return right / max(len(groups), 1)


def read(path: Path) -> tuple[list[str], list[str], list[str]]:
    """LineId, Content and EventId of a structured file; EventId empty where the file has none."""
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    return ([row["LineId"] for row in rows], [row["Content"] for row in rows], [row.get("EventId", "") for row in rows])


def main(arguments: Sequence[str]) -> int:
    if not arguments:
        print(__doc__)
        return 2
    files = sorted(Path(arguments[0]).glob("*/*_structured.csv"))
    if not files:
        print(f"{arguments[0]} has no NAME/NAME_2k.log_structured.csv; give the folder that holds the systems")
        return 2
    out = Path(arguments[1]) if len(arguments) > 1 else None
    scores = []
    for path in files:
        ids, contents, truth = read(path)
        groups, seconds = mined(contents)
        scores.append(grouping_accuracy(groups, truth))
        print(f"{path.parent.name:12} GA {scores[-1]:.3f}  groups {len(set(groups)):4} of {len(set(truth)):4}  "
              f"{len(contents) / max(seconds, 1e-9):9,.0f} lines/s")
        if out:
            out.mkdir(parents=True, exist_ok=True)
            with (out / f"{path.parent.name}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("LineId", "group"))
                writer.writerows(zip(ids, groups, strict=True))
    print(f"{'mean':12} GA {sum(scores) / len(scores):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
