"""Files as people have them."""

import gzip
import json

import numpy as np
import pytest

from services.detection.recordings import read, time

FILE = "timestamp,value\n1767571200,1.5\n1767571260,2.5\n1767571320,3.5\n"


def values(content: str, **settings: float) -> list[float]:
    [recording] = read("x.csv", content.encode(), **settings)  # type: ignore[arg-type]
    return list(recording.recorded.values)


@pytest.mark.parametrize("content", [
    FILE,
    FILE.replace("timestamp,value", "Time, Value"),
    FILE.replace("timestamp,value\n", ""),
    FILE.replace(",", ";"),
    FILE.replace(",", "\t"),
    "\ufeff" + FILE.replace("\n", "\r\n"),
    "value,date\n1.5,2026-01-05 00:00:00\n2.5,2026-01-05 00:01:00\n3.5,2026-01-05 00:02:00\n",
    "timestamp,value,label\n2026-01-05T00:00:00Z,1.5,0\n\n2026-01-05T00:01:00Z,2.5,0\n2026-01-05T00:02:00Z,3.5,1\n",
    ",timestamp,value\n0,1767571200000,1.5\n1,1767571260000,2.5\n2,1767571320000,3.5\n",
    "label,timestamp,cpu\n0,1767571200,1.5\n1,1767571260,2.5\n1,1767571320,3.5\n",
    "timestamp,is_anomaly,value\n1767571200,0,1.5\n1767571260,1,2.5\n1767571320,nonsense,3.5\n",
    "value,label\n1.5,0\n2.5,1\n3.5,0\n",
    "timestamp,cpu load\n1767571320,3.5\n1767571200,1.5\n1767571260,2.5\n",
    "value\n1.5\n2.5\n3.5\n",
    "1.5\n2.5\n3.5\n",
])
def test_variants_of_a_file_say_the_same(content: str) -> None:
    [recording] = read("x.csv", content.encode())

    assert list(recording.recorded.values) == [1.5, 2.5, 3.5]
    assert np.diff(recording.recorded.times).tolist() == [60.0, 60.0]


def test_gzip_is_read_as_it_is() -> None:
    [recording] = read("x.csv.gz", gzip.compress(FILE.encode()))

    assert list(recording.recorded.values) == [1.5, 2.5, 3.5]


def test_marks_are_what_the_file_says_in_the_order_of_time() -> None:
    [recording] = read("x.csv", b"timestamp,value\n2026-01-05 00:01:00,2\n2026-01-05 00:00:00,1\n")

    assert [recording.mark(place) for place in range(2)] == ["2026-01-05 00:00:00", "2026-01-05 00:01:00"]
    assert list(recording.order) == [1, 0]


@pytest.mark.parametrize("missing", ["", "NaN", "null", "None", "n/a", "-"])
def test_missing_value_is_a_gap(missing: str) -> None:
    found = values(f"timestamp,value\n1767571200,1\n1767571260,{missing}\n1767571320,3\n")

    assert np.isnan(found[1])
    assert [found[0], found[2]] == [1.0, 3.0]


def test_row_that_is_an_empty_cell_is_a_gap_too() -> None:
    found = values('value\n1\n""\n3\n')

    assert np.isnan(found[1])
    assert len(found) == 3


def test_of_a_repeated_time_the_first_value_counts() -> None:
    found = values("timestamp,value\n1767571200,1\n1767571260,2\n1767571260,9\n1767571320,3\n")

    assert np.isnan(found[2])
    assert [found[0], found[1], found[3]] == [1.0, 2.0, 3.0]


def test_values_alone_are_a_step_apart() -> None:
    [recording] = read("x.csv", b"value\n1\n2\n3\n", step_s=300.0)

    assert np.diff(recording.recorded.times).tolist() == [300.0, 300.0]
    assert recording.mark(2) == "2"


def test_counted_rows_are_no_unix_seconds() -> None:
    [recording] = read("x.csv", b"timestamp,value\n1,5\n2,6\n3,7\n", step_s=3600.0)

    assert np.diff(recording.recorded.times).tolist() == [3600.0, 3600.0]
    assert recording.mark(0) == "1"


def test_answer_of_prometheus_is_a_series_for_each_set_of_labels() -> None:
    answer = {"data": {"resultType": "matrix", "result": [
        {"metric": {"job": job}, "values": [[1767571200, "1"], [1767571260.5, "NaN"]]} for job in ("a", "b")]}}

    found = read("q.json", json.dumps(answer).encode())

    assert [each.recorded.name for each in found] == ['q.json{job="a"}', 'q.json{job="b"}']
    assert found[0].mark(1) == "1767571260.5"


@pytest.mark.parametrize(("content", "says"), [
    (b"", "x.csv: is empty"),
    (b"timestamp,value\n1767571200,2\n1767571260,many\n", "line 3: 'many' is no number"),
    (b"timestamp,value\nsoon,2\n", "line 2: 'soon' is no time"),
    (b"timestamp,value\n1767571200\n", "line 2: has no column 2"),
    (b"a,b,c\n1,2,3\n", "no column `value` among a, b, c"),
    (b"timestamp,cpu,memory\n1767571200,2,3\n", "no column `value` among timestamp, cpu, memory"),
    (b"timestamp,label\n1767571200,1\n", "no column `value` among timestamp, label"),
    (b"timestamp,value\n", "x.csv: has a header and no rows"),
    (b'{"status": "error", "error": "query timed out"}', "it says query timed out"),
    (b'{"data": {"resultType": "vector", "result": []}}', "it is a vector, an instant"),
    (b'{"data": {"resultType": "matrix", "result": []}}', "it has no series"),
    (b"\x1f\x8bnonsense", "not readable as gzip"),
    (b"\xff\xfe\x00", "neither text nor gzip"),
    (b'{"status": "error"}', "not the answer of a Prometheus range query"),
])
def test_unreadable_file_is_told_with_its_place(content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=r"x\.csv") as error:
        read("x.csv", content)

    assert says in str(error.value)


@pytest.mark.parametrize(("text", "seconds"), [
    ("1767571200", 1767571200.0), ("1767571200000", 1767571200.0), ("1767571200000000", 1767571200.0),
    ("1767571200000000000", 1767571200.0), ("2026-01-05", 1767571200.0), ("2026/01/05 00:00", 1767571200.0),
    ("2026-01-05T01:00:00+01:00", 1767571200.0)])
def test_times_are_understood_in_any_unit(text: str, seconds: float) -> None:
    assert time(text) == seconds
