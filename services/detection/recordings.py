"""Recorded series out of files: CSV, plain or gzipped, and the answer of a Prometheus range query.

A CSV has a column of times and one of values, or of values alone, which then are a regular step apart. What stood in
the file as time is kept, so that answers can be given in the same terms.
"""

import csv
import gzip
import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from services.detection.offline import Recorded
from services.detection.series import Signal

Floats = npt.NDArray[np.float64]
_TIME_NAMES = ("timestamp", "time", "datetime", "date", "ds", "ts", "t", "start_time", "date_time")
_VALUE_NAMES = ("value", "values", "val", "y", "v", "metric")
# What people wrote beside the values is never read, let alone taken for them.
_LABEL_NAMES = ("label", "labels", "is_anomaly", "anomaly", "is_outlier", "outlier", "change_point", "class", "target",
                "ground_truth")
_GZIP = b"\x1f\x8b"
_DELIMITERS = ",;\t"
_MISSING = {"", "nan", "null", "none", "na", "n/a", "-"}
# Numbers below (March 1973) are no Unix seconds of telemetry: rows were counted.
_EARLIEST_S = 1e8


@dataclass(frozen=True, slots=True)
class Recording:
    """A series with what its file called each row: `marks` in the order of the file, and `order`, the places of the
    rows of `recorded` in the file."""

    recorded: Recorded
    marks: Sequence[str]
    order: Sequence[int]

    def mark(self, place: int) -> str:
        """What the file calls a row of the series."""
        return self.marks[self.order[place]]


def read(name: str, content: bytes, *, step_s: float = 60.0, signal: Signal = Signal.UNKNOWN) -> list[Recording]:
    """The series in a file. Raises ValueError with the line that cannot be read."""
    if content[:2] == _GZIP:
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise ValueError(f"{name}: not readable as gzip: {error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: neither text nor gzip") from error
    if text.lstrip()[:1] in ("{", "["):
        return list(_prometheus(name, text, signal))
    return [_csv(name, text, step_s, signal)]


def _csv(name: str, text: str, step_s: float, signal: Signal) -> Recording:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    lines = [(reader.line_num, line) for line in reader
             if line == [""] or any(cell.strip() for cell in line)]
    if not lines:
        raise ValueError(f"{name}: is empty")
    header = [cell.strip().lower() for cell in lines[0][1]]
    has_header = not any(_number(cell) is not None or _looks_like_time(cell) for cell in header)
    at, value = _columns(name, header if has_header else [], len(header))
    rows = lines[1:] if has_header else lines
    if not rows:
        raise ValueError(f"{name}: has a header and no rows")
    values = _parsed(name, rows, value, _value)
    if at is None:
        marks = [str(place) for place in range(len(rows))]
        return _recording(name, marks, step_s * np.arange(len(rows), dtype=np.float64), values, signal)
    times = _parsed(name, rows, at, time)
    if times.size and np.abs(times).max() < _EARLIEST_S:
        times = times * step_s  # no times, but numbers of rows
    return _recording(name, [line[at].strip() for _, line in rows], times, values, signal)


def _parsed(name: str, rows: Sequence[tuple[int, list[str]]], column: int, read_cell: Callable[[str], float]) -> Floats:
    """A column of numbers, told apart cell by cell only where they are not plain numbers."""
    cell = ""
    number = 0
    try:
        cells = [line[column] for _, line in rows]
        if read_cell is _value:
            with suppress(ValueError):
                return np.array(cells, np.float64)
        found = np.empty(len(cells))
        for place, cell in enumerate(cells):
            found[place] = read_cell(cell)
    except IndexError:
        number = next(number for number, line in rows if len(line) <= column)
        raise ValueError(f"{name}, line {number}: has no column {column + 1}") from None
    except ValueError as error:
        number = rows[place][0]
        what = "number" if read_cell is _value else "time (Unix seconds or milliseconds, or ISO 8601)"
        raise ValueError(f"{name}, line {number}: {cell.strip()!r} is no {what}") from error
    return found


def _value(cell: str) -> float:
    cell = cell.strip()
    return math.nan if cell.lower() in _MISSING else float(cell)


def _columns(name: str, header: list[str], width: int) -> tuple[int | None, int]:
    """Places of the times (None: there are none) and of the values."""
    if not header:
        return (None, 0) if width == 1 else (0, 1)
    at = next((header.index(each) for each in _TIME_NAMES if each in header), None)
    value = next((header.index(each) for each in _VALUE_NAMES if each in header), None)
    if value is None:
        others = [place for place in range(width) if place != at and header[place] and
                  header[place] not in _LABEL_NAMES]
        if len(others) != 1:
            raise ValueError(f"{name}: no column `value` among {', '.join(header)}; name the one to read so")
        value = others[0]
    return at, value


def _prometheus(name: str, text: str, signal: Signal) -> Iterator[Recording]:
    try:
        document = orjson.loads(text)
        results = _results(document) if isinstance(document, dict) else document
        if not results:
            raise ValueError("it has no series")
        for result in results:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted(result.get("metric", {}).items()))
            pairs = result["values"]
            times = np.array([float(at) for at, _ in pairs])
            yield _recording(f"{name}{{{labels}}}" if len(results) > 1 else name, [f"{at:.15g}" for at in times],
                             times, np.array([float(value) for _, value in pairs]), signal)
    except KeyError as error:
        raise ValueError(f"{name}: not the answer of a Prometheus range query: has no {error}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: not the answer of a Prometheus range query: {error}") from error


def _results(document: dict[str, Any]) -> list[dict[str, Any]]:
    if document.get("status") == "error":
        raise ValueError(f"it says {document.get('error') or 'error'}")
    kind = document.get("data", {}).get("resultType", "matrix")
    if kind != "matrix":
        raise ValueError(f"it is a {kind}, an instant; ask /api/v1/query_range")
    found: list[dict[str, Any]] = document["data"]["result"]
    return found


def _recording(name: str, marks: Sequence[str], times: Floats, values: Floats, signal: Signal) -> Recording:
    """In the order of time. Of several values at one time the first counts, as of a sample that was sent again."""
    order = np.argsort(times, kind="stable")
    times, values = times[order], np.where(np.isfinite(values), values, np.nan)[order]
    values[1:][np.diff(times) == 0] = np.nan
    return Recording(Recorded(name, times, values, signal), marks, order.tolist())


def time(text: str) -> float:
    """Unix seconds of a time as files have it: Unix seconds, milliseconds, micro- or nanoseconds, or ISO 8601 (UTC
    where no zone is named). Raises ValueError."""
    number = _number(text)
    if number is not None:
        for limit, unit in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6)):
            if abs(number) < limit:
                return number / unit
        return number / 1e9
    at = datetime.fromisoformat(text.strip().replace("/", "-"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _looks_like_time(text: str) -> bool:
    try:
        time(text.strip())
    except ValueError:
        return False
    return True
