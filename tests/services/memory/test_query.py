"""What a search is asked, as words and as the model reads it."""

from services.memory.query import Query


def test_of_a_pasted_log_each_kind_of_line_is_read_once() -> None:
    log = "\n".join(f"10:0{second}:12 GET /items/{second * 37} 503 in {second}9ms" for second in range(9))
    query = Query(text=f"vouchers fail since the release\n{log}\npool exhausted")

    assert query.for_model().split("\n") == [
        "vouchers fail since the release",
        "10:00:12 GET /items/0 503 in 09ms",
        "pool exhausted",
    ]


def test_lines_that_say_something_else_stay() -> None:
    text = "login failed\nlogin is slow\n\nCould not connect to 10.0.0.1"

    assert Query(text=text).words() == text
