"""Which pattern a line belongs to."""

from services.ingestion.drain import Tree


def numbers(lines: list[str], most: int = 1000) -> list[int]:
    tree = Tree(most)
    return [tree.add(line).number for line in lines]


def test_lines_that_differ_in_values_are_one_pattern() -> None:
    assert len(set(numbers(["order 1 placed in 12 ms", "order 2 placed in 3 s", "order 77 placed in 0.1 ms"]))) == 1


def test_lines_that_differ_in_a_word_are_two_patterns() -> None:
    first, second, third = numbers(["VM 7 paused by operator", "VM 8 resumed by operator", "VM 9 paused by operator"])

    assert first == third != second


def test_a_place_that_holds_values_takes_a_word_too() -> None:
    assert len(set(numbers(["peer 10.0.0.7 is gone", "peer gateway is gone"]))) == 1


def test_words_without_number_become_a_variable() -> None:
    names = [f"hello {chr(97 + index // 26)}{chr(97 + index % 26)}x how are you" for index in range(600)]

    assert len(set(numbers(names))) < 100


def test_the_stack_trace_below_a_line_does_not_matter() -> None:
    assert len(set(numbers(["pool exhausted\n\tat a.B(C.java:1)", "pool exhausted\n\tat d.E(F.java:2)"]))) == 1


def test_memory_is_bounded_and_the_most_used_stay() -> None:
    tree = Tree(10)
    steady = tree.add("checkout started").number
    for index in range(200):
        tree.add("w" + "x" * index + " happened")
        tree.add("checkout started")

    assert len(tree.numbers()) <= 10
    assert tree.add("checkout started").number == steady


def test_templates_of_an_earlier_life_are_found_again() -> None:
    tree = Tree(1000)
    template = tree.add("order 1 placed by alice").template

    other = Tree(1000)
    number, = other.restore([template])

    assert other.add("order 2 placed by alice").number == number


def test_an_endless_line_is_read_to_its_beginning_only() -> None:
    assert len(set(numbers(["start " + "word " * 100_000 + "one", "start " + "word " * 100_000 + "two"]))) == 1
