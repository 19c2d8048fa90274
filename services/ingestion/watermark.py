"""How far the event time of a stream is complete.

The live stream follows its senders: the earliest, over those that are active, of the latest sane time of each, less the
lateness; when all are silent it goes on with our clock from there. A replay follows its marks alone, since it sends at
any speed and in any order in between. Neither ever goes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a stream: Unix nanoseconds of event time, 0 where there is no watermark yet."""

    watermark: int = 0
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """latest: its latest sane event time; heard_at: when it last sent, by our clock. Both in Unix nanoseconds."""

    latest: int
    heard_at: int


def heard(senders: Mapping[str, Sender], name: str, times: NDArray[np.int64], now: int,
          tolerance_ns: int) -> dict[str, Sender]:
    """The senders after one of them sent records of these times. A time further ahead of our clock moves nothing."""
    sane = times[times <= now + tolerance_ns]
    before = senders.get(name)
    latest = max(int(sane.max()) if len(sane) else 0, before.latest if before else 0)
    return {**senders, name: Sender(latest, now)}


def active(senders: Mapping[str, Sender], now: int, timeout_ns: int) -> dict[str, Sender]:
    """Those that sent something not long ago; where everybody is silent, the one that was heard last."""
    left = {name: sender for name, sender in senders.items() if now - sender.heard_at <= timeout_ns}
    if left or not senders:
        return left
    last = max(senders, key=lambda name: (senders[name].heard_at, senders[name].latest))
    return {last: senders[last]}


def advance(progress: Progress, senders: Mapping[str, Sender], lateness_ns: int, *, now: int = 0,
            timeout_ns: int = 0) -> Progress:
    """The progress that active senders allow.

    A sender that is behind the watermark already cannot hold it: all it sends is late, and a clock that stands in the
    past must not stop the others. In a silence of everybody the time of whoever was heard last goes on as ours does:
    an alert that came with the last of the data would otherwise wait for data that no longer comes.
    """
    times = [sender.latest - lateness_ns + max(now - sender.heard_at - timeout_ns, 0) for sender in senders.values()]
    ahead = [time for time in times if time >= progress.watermark and time > 0]
    return Progress(min(ahead), progress.is_closed) if ahead else progress


def marked(progress: Progress, complete_until: int, is_last: bool) -> Progress:
    """The progress after somebody said how far the stream is complete."""
    return Progress(max(progress.watermark, complete_until), progress.is_closed or is_last)
