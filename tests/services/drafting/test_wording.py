import pytest

from services.drafting.wording import quantity


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (11.3, "{request}/s", "11.3 requests/s"),
        (2.0, "{requests}/min", "2 requests/min"),
        (1.0, "{connection}", "1 connection"),
        (8.0, "{connection}", "8 connections"),
        (0.0042, "s", "4.2 ms"),
        (0.151, "share", "15.1 %"),
        (51_814, "By", "50.6 KiB"),
        (42.0, "1", "42"),
    ],
)
def test_quantity_is_written_as_one_would_say_it(value: float, unit: str, said: str) -> None:
    assert quantity(value, unit) == said
