"""What decides when incidents open and close: the numbers, in one value."""

from dataclasses import dataclass, field

from services.detection import severity
from services.detection.anomalies import Thresholds
from services.detection.meanings import RULES, Rule
from services.detection.objectives import Objective


@dataclass(frozen=True, slots=True)
class Tuning:
    """What decides when incidents open and close. strength: see `grouping.strength`. hold_s: how long signals must be
    back; at least `hold_periods` of the slowest signal, and twice as long after each relapse. lookback_s: how far
    before the onset a change is attached. silence_s: after which a signal that stopped reporting no longer keeps an
    incident open. settle_s: how much of a series of which only the course is known must be seen before it opens
    anything: a day, since what the first day brings cannot be told from its season. objectives: what services
    promise."""

    resolution_s: int = 60
    strength: float = 6.0
    hold_s: float = 300.0
    hold_periods: float = 3.0
    lookback_s: float = 7200.0
    silence_s: float = 900.0
    settle_s: float = 86400.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    rules: severity.Rules = field(default_factory=severity.Rules)
    table: tuple[Rule, ...] = RULES
    objectives: tuple[Objective, ...] = ()
