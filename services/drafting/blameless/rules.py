"""The rules, why each matters, and how to put it instead.

A rule is a function from a sentence's words to hits. The rules ask the grammar for the subject of a verb rather than
look for phrases, so that «the pod failed to start» is a fact and «the on-call failed to check» is not.
"""

from collections.abc import Callable, Iterator

from services.drafting.blameless.admonitions import admonition
from services.drafting.blameless.clauses import Hit
from services.drafting.blameless.counterfactuals import counterfactual
from services.drafting.blameless.failures import person_as_failure
from services.drafting.blameless.faults import fault
from services.drafting.blameless.human_error import human_error
from services.drafting.blameless.judgements import judgement
from services.drafting.blameless.tokens import Words

#: The rules' names, why each matters, and how to put it instead. `{words}` is what was found.
EXPLANATIONS: dict[str, tuple[str, str]] = {
    "human-error": (
        "“Human error” ends the search where it should begin: people will err again, the conditions can be changed.",
        "Ask what made “{words}” possible and easy: which guard, default, interface or signal was missing?",
    ),
    "person-as-failure": (
        "A person or team is the subject of a failure; the next person in the same place would do the same.",
        "Say what the system allowed: what made “{words}” possible, and what would have stopped or shown it?",
    ),
    "counterfactual": (
        "It tells what did not happen, with knowledge that nobody had then, instead of why what happened made sense.",
        "Say what was known and which options there were then; ask what would have made the other way the easy one "
        "instead of “{words}”.",
    ),
    "judgement": (
        "It judges a person instead of describing the situation that the person was in.",
        "Leave “{words}” out, or name the condition behind it: load, missing information, time pressure, no guard.",
    ),
    "fault": (
        "It assigns guilt; guilt makes the next report shorter.",
        "Name the mechanism instead of “{words}”: which change, missing check or unclear ownership made it possible?",
    ),
    "admonition": (
        "Telling people to be better changes nothing that the next incident would meet.",
        "Turn “{words}” into a change of the system: a check, a default, an alert, a guard rail.",
    ),
}


RULES: tuple[Callable[[Words], Iterator[Hit]], ...] = (
    human_error,
    person_as_failure,
    counterfactual,
    judgement,
    fault,
    admonition,
)
