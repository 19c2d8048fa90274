"""Numbers as an on-call reads them."""

import pytest

from services.detection import wording
from services.detection.series import Signal
from tests.services.detection.test_severity import anomaly


@pytest.mark.parametrize(("number", "unit", "text"), [
    (0.0216, "share", "2.2 %"), (0.3217, "share", "32.2 %"), (0.000961, "share", "0.096 %"), (1.0, "share", "100 %"),
    (0.00001, "share", "under 0.01 %"), (0.0, "share", "0 %"),
    (0.0021, "s", "2.1 ms"), (0.7504, "s", "750 ms"), (1.2345, "s", "1.2 s"), (59.96, "s", "60 s"),
    (5400, "s", "90 min"), (12.345, "1/s", "12.3 1/s"), (1234.5, "requests", "1234 requests"),
    (1234567, "", "1\u202f234\u202f567"),
    (float("nan"), "s", "nothing"),
])
def test_value_is_rounded_to_what_can_be_said(number: float, unit: str, text: str) -> None:
    assert wording.value(number, unit) == text


def test_title_tells_of_failing_requests_and_of_anything_else_by_its_name() -> None:
    assert wording.title(anomaly(peak=0.022, baseline=0.000961)) == "shop: 2.2 % of requests fail, baseline 0.096 %"
    assert wording.title(anomaly(Signal.LATENCY, peak=0.75, baseline=0.0147, unit="s")) == \
        "shop: what was measured 750 ms, baseline 14.7 ms"
