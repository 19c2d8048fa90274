"""The measures of the evaluations, on values that one can reckon by hand."""

import pytest

from tests.eval.blameless import Score, fingerprint, prose, public, read_labels, table
from tests.eval.drafts import read_timeline, rouge_l


def test_rouge_is_the_f1_of_the_longest_common_run_of_words() -> None:
    assert rouge_l("the pool was empty", "the pool was empty") == 1.0
    assert rouge_l("the pool was empty", "nothing alike here at all") == 0.0
    assert rouge_l("a b c d", "a x c") == pytest.approx(2 * 2 / 7)


def test_timeline_goes_on_after_midnight() -> None:
    found = read_timeline([{"time": "2020-02-18 23:50", "text": "a"}, {"time": "00:10", "text": "b"},
                           {"time": "no time", "text": "c"}, {"time": "1:05 AM", "text": "d"}])

    assert [f"{at:%d %H:%M}" for at, _ in found] == ["18 23:50", "19 00:10", "19 01:05"]


def test_labels_are_found_by_words_alone() -> None:
    blaming, other = fingerprint("The DBA forgot the index."), fingerprint("The pod failed here.")
    labels = read_labels(f"# c\n+ {blaming}\n- {other}\n")
    unlabelled: list[str] = []

    score = public(["The DBA  forgot the **index**.\n\nThe pod failed here.\n\nWe forgot the other one.\n"], labels,
                   unlabelled)

    assert (score.sentences, score.blaming, score.both) == (2, 1, 1)
    assert unlabelled == ["We forgot the other one."]


def test_false_alarm_and_miss_count() -> None:
    score = Score()
    score.add("a", is_found=True, blames=False)
    score.add("b", is_found=False, blames=True)
    score.add("c", is_found=True, blames=True)

    assert (score.precision, score.recall) == (0.5, 0.5)
    assert (score.false_alarms, score.misses) == (["a"], ["b"])
    assert "0.500" in table({"written: x": score})


def test_code_and_short_scraps_are_no_sentences() -> None:
    assert list(prose("```\nthe engineer forgot it all\n```\nToo short.\n")) == []
