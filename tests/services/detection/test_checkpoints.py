"""What the detectors know goes through bytes and comes back the same."""

import pickle
from enum import Enum

import pytest
import zstandard

from services.detection import checkpoints
from services.detection.detector import StreamDetector
from tests.services.detection.town import START, Fault, Town, alert, deploy, lived, minute


def test_detector_that_is_stored_and_read_back_every_few_minutes_decides_the_same() -> None:
    town = Town(("web", "shop"), (("web", "shop"),), (
        Fault("shop", range(50, 60), failing=0.3), Fault("web", range(52, 60), slower=3)),
        (deploy(45), alert(53, firing=True), alert(62, firing=False)))
    detector, steps = StreamDetector("t"), []
    for number in range(80):
        town.tell(detector, number)
        steps += detector.advance(minute(number + 1).timestamp(), START)
        if number % 7 == 3 or 48 <= number <= 64:
            detector = checkpoints.unpack(checkpoints.pack({"t": detector}))["t"]
    steps += detector.close(START)

    assert steps == lived(town, minutes=80)


def test_what_is_written_may_be_read_whatever_way_this_python_pickles_enumerations(
        monkeypatch: pytest.MonkeyPatch) -> None:
    # given a Python before 3.11.4
    monkeypatch.setattr(Enum, "__reduce_ex__", lambda self, protocol: (getattr, (type(self), self.name)))
    detector = StreamDetector("t")
    Town(("web",), ()).tell(detector, 0)

    assert set(checkpoints.unpack(checkpoints.pack({"t": detector}))) == {"t"}


def test_checkpoint_makes_no_objects_of_others() -> None:
    foreign = zstandard.ZstdCompressor().compress(pickle.dumps(Town))

    with pytest.raises(pickle.UnpicklingError, match="must not hold"):
        checkpoints.unpack(foreign)


def test_version_is_that_of_the_code() -> None:
    assert checkpoints.version() == checkpoints.version()
    assert len(checkpoints.version()) == 16
