"""`afteraction backtest FILE…`: the product's detector over recorded series, with no service running."""

import csv
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from services.cli.output import Json, console, errors, print_json
from services.detection.offline import Opened, Replayed, replay_all
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
    recordings, is_unreadable = _recordings(paths, step_s, _SIGNALS[signal])
    replayed = _replayed(recordings, Tuning() if strength is None else Tuning(strength=strength))
    ordered = [(each, replayed[each.recorded.name]) for each in recordings]
    with ExitStack() as stack:
        if scores:
            _write_scores(csv.writer(stack.enter_context(scores.open("w", newline=""))), ordered)
        if incidents:
            _write_incidents(csv.writer(stack.enter_context(incidents.open("w", newline=""))), ordered)
    if plot:
        _plot(plot, ordered)
    _print(ordered, is_json)
    raise typer.Exit(_UNREADABLE if is_unreadable else 0)


def _recordings(paths: list[Path], step_s: float, signal: Signal) -> tuple[list[Recording], bool]:
    """Every series in the files; a file that cannot be read is said and left out."""
    found: list[Recording] = []
    is_unreadable = False
    files = [(name, path) for each in paths for name, path in _files(each)]
    with Progress(console=errors, transient=True, disable=not sys.stderr.isatty()) as progress:
        for name, path in progress.track(files, description="reading"):
            try:
                found += read(name, path.read_bytes(), step_s=step_s, signal=signal)
            except (OSError, ValueError) as error:
                errors.print(str(error), markup=False)
                is_unreadable = True
    if len({each.recorded.name for each in found}) < len(found):
        raise typer.BadParameter("two series have the same name; give files of one directory, or the directory itself",
                                 param_hint="FILE…")
    return found, is_unreadable


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """A file under its name; those of a directory under their paths in it."""
    if not path.is_dir():
        yield path.name, path
        return
    for each in sorted(path.rglob("*")):
        if each.is_file() and each.name.endswith(_SUFFIXES):
            yield each.relative_to(path).as_posix(), each


def _replayed(recordings: list[Recording], tuning: Tuning) -> dict[str, Replayed]:
    total = sum(len(each.order) for each in recordings)
    with Progress(console=errors, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("detecting", total=total)
        found = replay_all([each.recorded for each in recordings], tuning,
                           lambda rows: progress.advance(task, rows))
        return {each.recorded.name: each for each in found}


def _write_scores(writer: "_csv.Writer", ordered: list[tuple[Recording, Replayed]]) -> None:
    writer.writerow(("series", "timestamp", "score"))
    for recording, replayed in ordered:
        by_row = dict(zip(recording.order, replayed.scores.tolist(), strict=True))
        for row, mark in enumerate(recording.marks):
            writer.writerow((recording.recorded.name, mark, f"{by_row[row]:.4f}"))


def _write_incidents(writer: "_csv.Writer", ordered: list[tuple[Recording, Replayed]]) -> None:
    writer.writerow(("series", "start", "detected", "resolved", "severity", "z"))
    for recording, replayed in ordered:
        for each in replayed.incidents:
            writer.writerow((recording.recorded.name, *_marks(recording, each), _SEVERITY, f"{each.z:.2f}"))


def _marks(recording: Recording, opened: Opened) -> tuple[str, str, str]:
    """Start, detection and end in the terms of the file; the end is empty while it is open."""
    resolved = recording.mark(opened.resolved) if opened.resolved >= 0 else ""
    return recording.mark(opened.start), recording.mark(opened.detected), resolved


def _plot(path: Path, ordered: list[tuple[Recording, Replayed]]) -> None:
    for recording, replayed in ordered:
        target = path
        if len(ordered) > 1:
            target = path / (recording.recorded.name.replace("/", "_") + ".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        last = len(recording.order) - 1
        target.write_bytes(png(recording.recorded.values, [
            (each.start, each.detected, each.resolved if each.resolved >= 0 else last)
            for each in replayed.incidents]))


def _print(ordered: list[tuple[Recording, Replayed]], is_json: bool) -> None:
    if is_json:
        print_json({"series": [{"series": recording.recorded.name, "rows": len(recording.order), "incidents": [
            dict(zip(("start", "detected", "resolved", "severity", "z"),
                     (*_marks(recording, each), _SEVERITY, round(each.z, 2)), strict=True))
            for each in replayed.incidents]} for recording, replayed in ordered]})
        return
    for recording, replayed in ordered:
        console.print(f"{recording.recorded.name}: {_counted(len(replayed.incidents))} in {len(recording.order)} rows",
                      markup=False)
        if len(ordered) == 1:
            console.print(sparkline(recording.recorded.values), markup=False)
        for each in replayed.incidents:
            start, detected, resolved = _marks(recording, each)
            console.print(f"  {start}  detected {detected}  {f'back {resolved}' if resolved else 'still open'}  "
                          f"{_SEVERITY}  z {each.z:.1f}", markup=False)


def _counted(incidents: int) -> str:
    return {0: "no incident", 1: "1 incident"}.get(incidents, f"{incidents} incidents")
