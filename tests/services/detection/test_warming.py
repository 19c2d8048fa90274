"""What the service compiles before it is ready is all that it will need."""

import gc

from numba.core.dispatcher import Dispatcher

from services.detection.warming import warm
from tests.services.detection.town import Fault, Town, lived


def compiled() -> int:
    return sum(len(each.signatures) for each in gc.get_objects()
               if issubclass(type(each), Dispatcher) and each.py_func.__module__.startswith("services.detection"))


def test_nothing_is_compiled_once_the_service_is_warm() -> None:
    warm()
    before = compiled()

    lived(Town(("web", "shop"), (("web", "shop"),), (Fault("shop", range(50, 60), failing=0.3, slower=4),)), minutes=80)

    assert before and compiled() == before
