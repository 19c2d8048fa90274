"""What is compiled, and when it is compiled anew."""

from pathlib import Path

from services.detection.compiled import compiled, digest


@compiled
def doubled(value: float) -> float:
    return 2.0 * value


def test_a_compiled_function_says_what_the_source_says() -> None:
    assert doubled(1.5) == 3.0


def test_machine_code_is_found_under_what_any_compiled_source_says(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("@compiled\ndef a(): ...\n")
    (tmp_path / "plain.py").write_text("x = 1\n")
    before = digest(tmp_path)

    (tmp_path / "plain.py").write_text("x = 2\n")
    assert digest(tmp_path) == before

    (tmp_path / "a.py").write_text("@compiled\ndef a(): return 1\n")
    assert digest(tmp_path) != before
