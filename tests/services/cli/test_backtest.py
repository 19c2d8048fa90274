"""What a user sees of a backtest."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app

DAY = 288


def written(path: Path, *, spike: int = 0, header: str = "timestamp,value") -> Path:
    """Three days of five minutes, with a failure of six rows."""
    turn = 2 * np.pi * np.arange(3 * DAY) / DAY
    values = 100 + 20 * np.sin(turn) + np.random.default_rng(1).standard_normal(3 * DAY)
    if spike:
        values[spike:spike + 6] += 40.0
    path.parent.mkdir(parents=True, exist_ok=True)
    text = header + "\n" + "".join(f"{1767571200 + 300 * row},{value:.3f}\n" for row, value in enumerate(values))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_directory_gives_a_score_for_each_row_and_its_incidents(tmp_path: Path) -> None:
    written(tmp_path / "kpi" / "a" / "quiet.csv")
    written(tmp_path / "kpi" / "loud.csv.gz", spike=700)
    scores, incidents = tmp_path / "scores.csv", tmp_path / "incidents.csv"

    ended = CliRunner().invoke(app, ["backtest", str(tmp_path / "kpi"), "--scores", str(scores), "--incidents",
                                     str(incidents)])

    assert ended.exit_code == 0, ended.output
    found = rows(scores)
    assert {each["series"] for each in found} == {"a/quiet.csv", "loud.csv.gz"}
    assert len(found) == 2 * 3 * DAY
    assert all(0.0 <= float(each["score"]) <= 1.0 for each in found)
    [incident] = rows(incidents)
    assert incident["series"] == "loud.csv.gz"
    assert incident["start"] == str(1767571200 + 300 * 700)
    assert incident["resolved"] == str(1767571200 + 300 * 706)
    assert float(incident["z"]) > 4.0


def test_every_row_has_a_score_whatever_is_in_it_and_labels_are_not_read(tmp_path: Path) -> None:
    marks = [str(1767571200 + 300 * row) for row in range(200)]
    lines = [f"{mark},{row % 7},{100 + row % 5}" for row, mark in enumerate(marks)]
    lines[50] = f"{marks[50]},1,"
    lines[51] = f"{marks[51]},1,NaN"
    lines[60] = lines[59]
    lines[100], lines[20] = lines[20], lines[100]
    file, scores, plain = tmp_path / "x.csv", tmp_path / "out" / "scores.csv", tmp_path / "plain.csv"
    file.write_text("timestamp,label,value\n" + "\n".join(lines) + "\n")

    CliRunner().invoke(app, ["backtest", str(file), "--scores", str(scores)])
    file.write_text("timestamp,value\n" + "".join(f"{line.split(',')[0]},{line.split(',')[2]}\n" for line in lines))
    CliRunner().invoke(app, ["backtest", str(file), "--scores", str(plain)])

    assert [each["timestamp"] for each in rows(scores)] == [line.split(",")[0] for line in lines]
    assert scores.read_text() == plain.read_text()


def test_series_of_one_answer_of_prometheus_are_each_their_own(tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"job": job}, "values": [[1767571200 + 60 * row, "1"] for row in range(9)]}
        for job in ("a", "b")]}}))

    ended = CliRunner().invoke(app, ["backtest", str(tmp_path / "q.json"), "--plot", str(tmp_path / "plots")])

    assert ended.output.count(": no incident in 9 rows") == 2
    assert len(list((tmp_path / "plots").iterdir())) == 2


def test_file_that_cannot_be_read_is_named_and_the_others_are_replayed(tmp_path: Path) -> None:
    written(tmp_path / "good.csv")
    (tmp_path / "bad.csv").write_text("timestamp,value\n1767571200,many\n")

    ended = CliRunner().invoke(app, ["backtest", str(tmp_path)])

    assert ended.exit_code == 2
    assert "bad.csv, line 2: 'many' is no number" in ended.output
    assert "good.csv: no incident" in ended.output


def test_one_series_is_shown_with_its_course_and_as_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "plot.png"

    ended = CliRunner().invoke(app, ["backtest", str(written(tmp_path / "x.csv", spike=700)), "--plot", str(picture)])

    assert "x.csv: 1 incident in 864 rows" in ended.output
    assert "█" in ended.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_json_says_the_same(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["backtest", str(written(tmp_path / "x.csv", spike=700)), "--json"])

    [series] = json.loads(ended.stdout)["series"]
    assert (series["series"], series["rows"], len(series["incidents"])) == ("x.csv", 864, 1)


@pytest.mark.parametrize(("option", "value", "says"), [("--signal", "mood", "is none of"), ("--step", "often", "step")])
def test_option_that_cannot_be_is_refused(tmp_path: Path, option: str, value: str, says: str) -> None:
    ended = CliRunner().invoke(app, ["backtest", str(written(tmp_path / "x.csv")), option, value])

    assert ended.exit_code == 2
    assert says in ended.output
