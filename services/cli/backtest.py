"""`afteraction backtest FILE…`: the product's detector over recorded series, with no service running."""

import csv
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.progress import Progress

from services.cli.output import Json, console, errors, print_json
from services.detection.offline import Opened, Replayed, replay
from services.detection.plot import png, sparkline
from services.detection.recordings import Recording, read
from services.detection.series import Signal
from services.detection.tuning import Tuning
from shared.settings import parse_duration

if TYPE_CHECKING:
    import _csv

_UNREADABLE = 2
_SUFFIXES = (".csv", ".csv.gz", ".json", ".json.gz")
_SIGNALS = {"any": Signal.UNKNOWN, "latency": Signal.LATENCY, "errors": Signal.ERRORS, "traffic": Signal.TRAFFIC,
            "saturation": Signal.SATURATION}
# A recorded series says nothing of users; what pages for it is P3.
_SEVERITY = "P3"


def backtest(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV (timestamp,value or value alone), also "
                                                "gzipped; Prometheus range-query JSON; directories of them.")],
    scores: Annotated[Path | None, typer.Option(help="CSV to write: series,timestamp,score for every row.")] = None,
    incidents: Annotated[Path | None, typer.Option(help="CSV to write: series,start,detected,resolved,severity,z.")] =
    None,
    step: Annotated[str, typer.Option(help="Time between rows of files without times.")] = "60s",
    plot: Annotated[Path | None, typer.Option(help="PNG to write; with several series, a directory.")] = None,
    signal: Annotated[str, typer.Option(help=f"What the values are: {', '.join(_SIGNALS)}.")] = "any",
    strength: Annotated[float | None, typer.Option(help="Another threshold than the product's own.")] = None,
    is_json: Json = False,
) -> None:
    """See what you would have been paged for: incidents over recorded series.

    Times are given as they stand in the file; rows of files without times count from 0.
    """
    if signal not in _SIGNALS:
        raise typer.BadParameter(f"{signal!r} is none of {', '.join(_SIGNALS)}", param_hint="--signal")
    try:
        step_s = parse_duration(step).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--step") from error
    files = [(name, path) for each in paths for name, path in _files(each)]
    if len({name for name, _ in files}) < len(files):
        raise typer.BadParameter("two files have the same name; give files of one directory, or the directory itself",
                                 param_hint="FILE…")
    told: list[_Told] = []
    is_unreadable = False
    with ExitStack() as stack:
        rows = _table(stack, scores, ("series", "timestamp", "score"))
        opened = _table(stack, incidents, ("series", "start", "detected", "resolved", "severity", "z"))
        for name, path in stack.enter_context(_progress()).track(files, description="reading and detecting"):
            try:
                recordings = read(name, path.read_bytes(), step_s=step_s, signal=_SIGNALS[signal])
            except (OSError, ValueError) as error:
                errors.print(str(error), markup=False)
                is_unreadable = True
                continue
            for recording in recordings:
                replayed = replay(recording.recorded, Tuning() if strength is None else Tuning(strength=strength))
                told.append(_Told(recording.recorded.name, len(recording.order),
                                  sparkline(recording.recorded.values),
                                  [_row(recording, each) for each in replayed.incidents]))
                if rows:
                    _write_scores(rows, recording, replayed)
                if opened:
                    opened.writerows((recording.recorded.name, *each) for each in told[-1].incidents)
                if plot:
                    _plot(plot, recording, replayed, is_alone=len(files) == len(recordings) == 1)
    _print(told, is_json)
    raise typer.Exit(_UNREADABLE if is_unreadable else 0)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of a series in the end. incidents: start, detected, resolved, severity, z, as in the table."""

    series: str
    rows: int
    course: str
    incidents: list[tuple[str, str, str, str, str]]


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """A file under its name; those of a directory under their paths in it."""
    if not path.is_dir():
        yield path.name, path
        return
    for each in sorted(path.rglob("*")):
        if each.is_file() and each.name.endswith(_SUFFIXES):
            yield each.relative_to(path).as_posix(), each


def _progress() -> Progress:
    return Progress(console=errors, transient=True, disable=not sys.stderr.isatty())


def _table(stack: ExitStack, path: Path | None, header: tuple[str, ...]) -> "_csv.Writer | None":
    """A CSV that has its header, where one is asked for."""
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = csv.writer(stack.enter_context(path.open("w", newline="")))
    writer.writerow(header)
    return writer


def _write_scores(rows: "_csv.Writer", recording: Recording, replayed: Replayed) -> None:
    """One score for each row of the file, in its order."""
    scores = np.empty(len(recording.order))
    scores[np.asarray(recording.order, np.int64)] = replayed.scores
    name = recording.recorded.name
    rows.writerows((name, mark, f"{score:.4f}") for mark, score in zip(recording.marks, scores.tolist(), strict=True))


def _row(recording: Recording, opened: Opened) -> tuple[str, str, str, str, str]:
    """Start, detection and end in the terms of the file, severity and z; the end is empty while it is open."""
    resolved = recording.mark(opened.resolved) if opened.resolved >= 0 else ""
    return recording.mark(opened.start), recording.mark(opened.detected), resolved, _SEVERITY, f"{opened.z:.2f}"


def _plot(path: Path, recording: Recording, replayed: Replayed, *, is_alone: bool) -> None:
    target = path if is_alone else path / (recording.recorded.name.replace("/", "_") + ".png")
    target.parent.mkdir(parents=True, exist_ok=True)
    last = len(recording.order) - 1
    target.write_bytes(png(recording.recorded.values, [
        (each.start, each.detected, each.resolved if each.resolved >= 0 else last) for each in replayed.incidents]))


def _print(told: list[_Told], is_json: bool) -> None:
    if is_json:
        names = ("start", "detected", "resolved", "severity")
        print_json({"series": [{"series": each.series, "rows": each.rows, "incidents": [
            {**dict(zip(names, row, strict=False)), "z": float(row[-1])} for row in each.incidents]} for each in told]})
        return
    for each in told:
        console.print(f"{each.series}: {_counted(len(each.incidents))} in {each.rows} rows", markup=False)
        if len(told) == 1:
            console.print(each.course, markup=False)
        for start, detected, resolved, severity, z in each.incidents:
            console.print(f"  {start}  detected {detected}  {f'back {resolved}' if resolved else 'still open'}  "
                          f"{severity}  z {float(z):.1f}", markup=False)


def _counted(incidents: int) -> str:
    return {0: "no incident", 1: "1 incident"}.get(incidents, f"{incidents} incidents")
