"""What blames: each rule looks at one sentence and says where, and why.

A rule is a function from a `Clause` (the sentence's words) to hits. The rules ask the grammar for the subject of a
verb rather than look for phrases, so that «the pod failed to start» is a fact and «the on-call failed to check» is not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.drafting.blameless_grammar import (
    AUXILIARIES,
    CONJUNCTIONS,
    NEGATIONS,
    PEOPLE,
    PREPOSITIONS,
    Phrase,
    Token,
    Who,
    is_adverb,
    is_verb,
    phrase_after,
    phrase_before,
    subject,
)
from services.drafting.blameless_words import (
    CAUSES,
    DILIGENCE,
    FAILURES,
    FAULT_NOUNS,
    HARM,
    HINDSIGHT_PASSIVES,
    HUMAN_ACTS,
    HUMAN_FAILURES,
    JUDGEMENTS,
    KNOWING,
    MISTAKENLY,
    PARTICIPLES,
    PARTICLE_FAILURES,
    PREVENTIONS,
    TECHNICAL_AFTER,
    WRONG,
    word_set,
)

Words = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's finding: tokens [start, end) of the sentence."""

    rule: str
    start: int
    end: int


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

_QUANTITIES = frozenset(
    {
        "slo",
        "slos",
        "sla",
        "slas",
        "target",
        "targets",
        "objective",
        "objectives",
        "goal",
        "goals",
        "deadline",
        "budget",
    }
)
_COMPOUND_AFTER_ERROR = word_set("""
    budget budgets rate rates log logs handling message messages tracking code codes page pages reporting monitoring
    count counts ratio threshold alert alerts domain domains mode modes test tests injection response responses
    handler reports tracker queue queues percentage dashboard metric metrics line lines event events series share
    correction margin bar boundary path paths state analysis detection recovery scenario scenarios rates-over class
    type types
""")
_DENIALS = frozenset(
    {
        "not",
        "never",
        "no",
        "isn't",
        "wasn't",
        "instead",
        "rather",
        "avoid",
        "don't",
        "beyond",
        "without",
        "stop",
        "than",
        "neither",
    }
)
_COMPARATIVES = frozenset({"sooner", "earlier", "faster", "better", "quicker", "more", "careful"})


def lower(words: Words, at: int) -> str:
    return words[at].lower if 0 <= at < len(words) else ""


def _rest_of_clause(words: Words, at: int, limit: int = 14) -> int:
    """Where the verb phrase that begins at `at` ends."""
    end = at
    while end < len(words) and end < at + limit and words[end].text not in ",;:()":
        if end > at + 1 and lower(words, end) in (
            "because",
            "which",
            "so",
            "but",
            "while",
            "when",
            "after",
            "before",
            "until",
            "since",
        ):
            break
        end += 1
    while end > at + 1 and not words[end - 1].is_word:
        end -= 1
    return end


def _is_denied(words: Words, at: int) -> bool:
    return any(lower(words, back) in _DENIALS for back in range(max(0, at - 6), at))


def human_error(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        following = lower(words, at + 1)
        if token.lower in ("fat-finger", "fat-fingered", "fat-fingering", "pebkac", "pebcak"):
            yield Hit("human-error", at, at + 1)
        if token.lower == "fat" and following.startswith("finger"):
            yield Hit("human-error", at, at + 2)
        if token.lower == "finger" and following in ("trouble", "problem"):
            yield Hit("human-error", at, at + 2)
        people = {
            "human",
            "operator",
            "user",
            "pilot",
            "manual",
            "personal",
            "individual",
            "engineer",
            "admin",
            "administrator",
            "operational",
            "developer",
            "people",
            "staff",
            "technician",
            "person",
            "personnel",
            "dba",
        }
        if token.lower in people and following in (
            "error",
            "errors",
            "mistake",
            "mistakes",
            "failure",
            "failures",
            "fault",
            "slip",
            "failing",
            "lapse",
        ):
            if lower(words, at + 2) in _COMPOUND_AFTER_ERROR or _is_denied(words, at):
                continue
            if following.startswith(("failure", "failing", "fault")) and token.lower not in (
                "human",
                "operator",
                "engineer",
                "people",
                "person",
            ):
                continue
            if token.lower in ("user", "operator", "admin", "personal", "individual", "operational") and not _is_cause(
                words, at, at + 2
            ):
                continue
            yield Hit("human-error", at, at + 2)


_CAUSE_BEFORE = word_set("""
    to was is were be been by of from through cause causes caused due because simple plain classic pure down just
    attributed a an as was-a
""")


def _is_cause(words: Words, start: int, end: int) -> bool:
    """A cause is said of it: «due to user error», «user error caused», «Root cause: operator error»."""
    before = lower(words, start - 1)
    return (
        before in _CAUSE_BEFORE
        or before in (":", "—", "-", "–")
        or (start == 0 and end >= len(words) - 1)
        or lower(words, end)
        in ("caused", "led", "resulted", "triggered", "was", "brought", "during", "by", "when", "on", "while")
    )


def _verb_phrase(words: Words, found: Phrase, verb: int) -> tuple[int, int]:
    start = found.start if found.who is not Who.ELIDED and found.start < verb and verb - found.start < 14 else verb
    return start, _rest_of_clause(words, verb)


def person_as_failure(words: Words) -> Iterator[Hit]:
    for at in range(len(words)):
        for test in (_human_failure, _failed_to, _failure_verb, _mistaken_act, _negligence, _without_care, _harm):
            found = test(words, at)
            if found is not None:
                start, end = _verb_phrase(words, found, at)
                yield Hit("person-as-failure", start, end)
                break
    yield from _agents(words)


def _human_failure(words: Words, at: int) -> Phrase | None:
    word = lower(words, at)
    following = lower(words, at + 1)
    if (
        (word in PARTICLE_FAILURES and "up" in (following, lower(words, at + 2)))
        or (word == "made" and _object_is_mistake(words, at + 1))
        or (word in ("dropped", "drop") and following == "the" and lower(words, at + 2) == "ball")
    ):
        pass
    elif word not in HUMAN_FAILURES or lower(words, at - 1) in (
        "was",
        "were",
        "been",
        "be",
        "is",
        "are",
        "being",
        "easily",
        "often",
        "a",
        "the",
        "long",
        "an",
    ):
        return None
    found = subject(words, at)
    if found.who in PEOPLE | {Who.NAME, Who.THEY, Who.USER}:
        return found
    if found.who is Who.ELIDED and word in (
        "forgot",
        "neglected",
        "overlooked",
        "misread",
        "mistyped",
        "botched",
        "forgetting",
        "misunderstood",
    ):
        return found
    return None


def _object_is_mistake(words: Words, at: int) -> bool:
    for ahead in range(at, min(at + 5, len(words))):
        if lower(words, ahead) in (
            "mistake",
            "mistakes",
            "error",
            "errors",
            "blunder",
            "misjudgement",
            "typo",
            "oversight",
            "slip",
        ):
            return lower(words, ahead + 1) not in _COMPOUND_AFTER_ERROR
        if words[ahead].text in ",;":
            return False
    return lower(words, at) in ("wrong", "poor", "bad") or (
        lower(words, at) in ("the", "a", "an") and lower(words, at + 1) in ("wrong", "poor", "bad")
    )


def _failed_to(words: Words, at: int) -> Phrase | None:
    """«the on-call failed to check», «Priya's failure to ask»; a customer who failed to log in is the impact."""
    word = lower(words, at)
    if word not in ("failed", "fails", "failing", "fail") or lower(words, at + 1) not in ("to", "in", "at"):
        return None
    if lower(words, at + 1) == "at" and lower(words, at + 2)[:1].isdigit():
        return None
    if word == "fail" and lower(words, at - 1) not in ("did", "to", "would"):
        return None
    found = subject(words, at)
    verb_at = at + 2
    while verb_at < len(words) and is_adverb(words[verb_at]):
        verb_at += 1
    act = lower(words, verb_at)
    if found.who in PEOPLE or found.who is Who.NOBODY:
        return found
    if found.who in (Who.NAME, Who.THEY, Who.ELIDED) and act in HUMAN_ACTS:
        return found
    return None


def _failure_verb(words: Words, at: int) -> Phrase | None:
    if lower(words, at) not in FAILURES or lower(words, at - 1) in (
        "was",
        "were",
        "been",
        "be",
        "is",
        "are",
        "being",
        "get",
        "got",
    ):
        return None
    if lower(words, at - 1) in NEGATIONS:
        return None
    found = subject(words, at)
    if found.who not in PEOPLE:
        return None
    goal = {lower(words, ahead) for ahead in range(at + 1, min(at + 5, len(words)))}
    if goal & _QUANTITIES and lower(words, at).startswith(("miss", "broke", "break", "violat")):
        return None
    if lower(words, at) in ("broke", "breaks") and (goal & {"down", "out", "up", "into", "off"}):
        return None
    if _by_doing(words, at):
        return None
    return found


def _by_doing(words: Words, at: int) -> bool:
    """«skipped the cache by setting a header»: done on purpose, with a means."""
    end = _rest_of_clause(words, at)
    return lower(words, at).startswith(("skip", "bypass", "circumvent")) and any(
        lower(words, i) == "by" and lower(words, i + 1).endswith("ing") for i in range(at + 1, end)
    )


def _mistaken_act(words: Words, at: int) -> Phrase | None:
    """«Sam deployed to the wrong cluster», «we accidentally deleted», «the DBA dropped it by mistake»."""
    if not is_verb(words[at]) or lower(words, at) in AUXILIARIES | NEGATIONS:
        return None
    end = _rest_of_clause(words, at, 16)
    wrong = _wrong_object(words, at + 1, end)
    mistaken = lower(words, at - 1) in MISTAKENLY or any(lower(words, i) in MISTAKENLY for i in range(at + 1, end))
    by_mistake = any(
        lower(words, i) in ("by", "in") and lower(words, i + 1) in ("mistake", "accident", "error")
        for i in range(at + 1, end)
    )
    if not (wrong or mistaken or by_mistake):
        return None
    is_finding = lower(words, at) in _FINDING_VERBS and not (mistaken or by_mistake)
    if is_finding or any(
        lower(words, back) in ("was", "were", "been", "being") for back in (at - 1, at - 2)
    ):
        return None
    found = subject(words, at)
    return found if found.who in PEOPLE else None


_FINDING_VERBS = word_set("""
    found noticed saw spotted fixed reverted identified discovered reported corrected replaced removed detected
    rolled restored realised realized diagnosed traced confirmed suspected undid disabled drained isolated cordoned
    observed received blocked located repaired investigated cleaned expected thought believed paused stopped
""")


_STATING = frozenset({"was", "were", "is", "went", "as", "something", "nothing", "what"})


def _wrong_object(words: Words, start: int, end: int) -> bool:
    for at in range(start, end):
        if lower(words, at) in WRONG and lower(words, at - 1) not in _STATING:
            return any(words[i].is_word for i in range(at + 1, min(at + 3, len(words))))
        if lower(words, at) == "that" or (is_verb(words[at]) and at > start + 6):
            return False
    return False


def _negligence(words: Words, at: int) -> Phrase | None:
    """«the team did not test», «nobody checked», «Ken never read the runbook»."""
    word = lower(words, at)
    if word in NEGATIONS:
        verb_at = at + 1
        while verb_at < len(words) and (is_adverb(words[verb_at]) or lower(words, verb_at) in ("been", "have", "be")):
            verb_at += 1
        verb = lower(words, verb_at)
        if word in (
            "wasn't",
            "weren't",
            "couldn't",
            "wouldn't",
            "won't",
            "cannot",
            "can't",
            "isn't",
            "shouldn't",
            "don't",
            "doesn't",
        ):
            return None
        if word == "not" and lower(words, at - 1) not in ("did", "had", "has", "have"):
            return None
        is_clueless = verb in ("know", "understand") and lower(words, verb_at + 1) == "what"
        if verb not in DILIGENCE and not _is_duty(words, verb_at) and not is_clueless:
            return None
        found = subject(words, at)
        if found.who is Who.WE and verb in KNOWING:
            return None
        if (
            verb in ("realise", "realize", "understand", "know", "learn", "learned", "anticipate")
            and found.who in PEOPLE
        ):
            return None
        if verb in ("see", "need", "catch", "plan", "take") and found.who is Who.TEAM:
            return None
        return found if found.who in PEOPLE else None
    if word in DILIGENCE and is_verb(words[at]):
        found = subject(words, at)
        if found.who is Who.NOBODY and lower(words, at - 1) not in ("was", "were", "been", "is", "be"):
            return found
    return None


def _is_duty(words: Words, at: int) -> bool:
    """«run the tests», «complete the checklist», «get approval», «wait for»."""
    verb = lower(words, at)
    if verb in (
        "run",
        "ran",
        "complete",
        "completed",
        "perform",
        "performed",
        "use",
        "used",
        "do",
        "get",
        "got",
        "write",
        "keep",
        "make",
        "give",
        "wait",
        "update",
    ):
        ahead = {lower(words, i) for i in range(at + 1, min(at + 6, len(words)))}
        return bool(
            ahead
            & {
                "tests",
                "test",
                "checklist",
                "runbook",
                "checks",
                "check",
                "review",
                "approval",
                "job",
                "homework",
                "due",
                "sure",
                "sign-off",
                "procedure",
                "process",
                "dry",
                "attention",
                "diligence",
                "verification",
                "documentation",
                "handover",
                "notice",
            }
        )
    return False


def _without_care(words: Words, at: int) -> Phrase | None:
    """«Lee merged it without checking»: care left out by a person who acts."""
    if lower(words, at) != "without":
        return None
    following = lower(words, at + 1)
    care = {
        "review",
        "approval",
        "permission",
        "authorisation",
        "authorization",
        "testing",
        "telling",
        "asking",
        "thinking",
        "warning",
        "verification",
        "consent",
        "coordination",
        "consultation",
        "double-checking",
        "looking",
        "waiting",
        "realising",
        "realizing",
    }
    second = lower(words, at + 2)
    if not (
        (following.endswith("ing")
        and following in DILIGENCE)
        or following in care
        or (
            following in ("any", "proper", "due", "prior", "a", "the", "their", "his", "her", "first")
            and (second in care or second in {"test", "check", "regard"})
        )
    ):
        return None
    for back in range(at - 1, -1, -1):
        if words[back].text in ";:":
            return None
        if is_verb(words[back]) and lower(words, back) not in AUXILIARIES:
            if any(
                lower(words, i) in ("was", "were", "been", "being", "is", "are", "can", "could")
                for i in (back - 1, back - 2)
            ):
                return _by_agent(words, back)
            found = subject(words, back)
            return found if found.who in PEOPLE else None
    return None


def _by_agent(words: Words, verb: int) -> Phrase | None:
    for ahead in range(verb + 1, min(verb + 8, len(words) - 1)):
        if lower(words, ahead) == "by":
            found = phrase_after(words, ahead + 1)
            return Phrase(found.who, verb, verb) if found.who in PEOPLE else None
    return None


def _harm(words: Words, at: int) -> Phrase | None:
    """«an engineer took down production», «Omar caused the outage», «the team introduced a bug»."""
    word = lower(words, at)
    if word not in CAUSES or lower(words, at - 1) in ("was", "were", "been", "is", "are", "being"):
        return None
    ahead = [lower(words, i) for i in range(at + 1, min(at + 7, len(words)))]
    if word in ("took", "brought", "knocked") and not {"down", "out", "offline"} & set(ahead):
        return None
    if word in (
        "took",
        "brought",
        "killed",
        "wiped",
        "started",
        "created",
        "produced",
        "triggered",
        "broke",
        "crashed",
    ) and not (set(ahead) & (HARM - {"error", "errors", "problem", "problems", "loss", "crash"})):
        return None
    if word in ("started", "created", "produced", "triggered") and not set(ahead[:3]) & {
        "outage",
        "downtime",
        "mess",
        "breakage",
        "disruption",
        "regression",
        "bug",
    }:
        return None
    if word in ("caused", "causes", "introduced") and not set(ahead) & HARM:
        return None
    found = subject(words, at)
    return found if found.who in PEOPLE else None


def _agents(words: Words) -> Iterator[Hit]:
    """«was caused by an engineer», «deleted by mistake by the DBA», «due to the on-call ignoring»."""
    for at, token in enumerate(words):
        if token.lower not in ("by", "to", "of", "from"):
            continue
        before = lower(words, at - 1)
        found = phrase_after(words, at + 1)
        if found.who not in PEOPLE or found.end <= found.start:
            continue
        after = lower(words, found.end)
        causal = (token.lower == "to" and before in ("due", "owing", "thanks")) or (
            token.lower == "of" and before == "because"
        )
        if token.lower == "by":
            window = {lower(words, back) for back in range(max(0, at - 5), at)}
            causal = before in (
                "caused",
                "triggered",
                "broken",
                "botched",
                "screwed",
                "missed",
                "ignored",
                "overlooked",
                "forgotten",
                "skipped",
                "mishandled",
                "misconfigured",
                "neglected",
                "dismissed",
                "bypassed",
                "misread",
            ) or bool(window & MISTAKENLY)
            causal = causal or (
                before == "introduced" and bool({lower(words, b) for b in range(max(0, at - 6), at)} & HARM)
            )
            is_mistake = bool(window & {"mistake", "mistakes", "error", "blunder"})
            causal = causal or (before in ("made", "committed") and is_mistake)
            causal = causal and lower(words, at - 2) not in NEGATIONS
            if causal and before in ("caused", "triggered") and after in ("request", "requests"):
                continue
        if causal and _head_is_last(words, found):
            is_whole = after in ("who", ".", ",", "not", "") or not words[found.end].is_word
            if token.lower == "by" or is_whole or after.endswith("ing"):
                yield Hit("person-as-failure", at - 1, _rest_of_clause(words, at))


def _head_is_last(words: Words, found: Phrase) -> bool:
    return not lower(words, found.end - 1).endswith("'s")


def counterfactual(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word, following = token.lower, lower(words, at + 1)
        end = _rest_of_clause(words, at)
        if word in ("should", "shouldn't", "ought", "should've") and (
            following in ("have", "of")
            or (
                following
                in (
                    "not",
                    "never",
                    "to",
                    "also",
                    "really",
                    "at",
                    "instead",
                    "clearly",
                    "probably",
                    "simply",
                    "definitely",
                    "just",
                    "certainly",
                )
                and "have" in {lower(words, i) for i in range(at + 2, at + 5)}
            )
            or word == "should've"
            or (word == "shouldn't" and following == "have")
        ):
            found = subject(words, at)
            if not _is_perfect(words, at):
                continue
            if found.who in PEOPLE | {Who.NOBODY} or (
                found.who in (Who.THEY, Who.NAME, Who.ELIDED) and not _system_passive(words, at)
            ):
                yield Hit("counterfactual", min(found.start, at), end)
            elif _hindsight_passive(words, at) or _by_agent(words, at) is not None:
                yield Hit("counterfactual", at, end)
        elif word in ("could", "could've", "might") and (
            following == "have"
            or word == "could've"
            or (is_adverb_at(words, at + 1) and lower(words, at + 2) == "have")
        ):
            found = subject(words, at)
            if _prevented(words, at) and found.who in PEOPLE | {Who.NOBODY}:
                yield Hit("counterfactual", min(found.start, at), end)
            elif _easily_avoided(words, at):
                yield Hit("counterfactual", at, end)
        elif (
            word == "would"
            and following == "have"
            and subject(words, at).who in PEOPLE
            and _prevented(words, at)
            and _hypothesis_about_people(words)
        ):
            yield Hit("counterfactual", at, end)
        elif (
            word in ("supposed", "expected", "meant", "obliged", "required")
            and following == "to"
            and lower(words, at - 1) in ("was", "were")
        ):
            found = subject(words, at)
            if found.who in PEOPLE - {Who.WE} and lower(words, at + 2) not in ("be",) and word == "supposed":
                yield Hit("counterfactual", found.start, end)
        elif (
            word == "needed"
            and following == "to"
            and lower(words, at + 2) == "have"
            and subject(words, at).who in PEOPLE
        ):
            yield Hit("counterfactual", at, end)
        elif word in ("if", "had") and not (
            word == "had"
            and at > 0
            and lower(words, at - 1) not in (",", "—", "–", ";", "and", "but", "avoided", "prevented")
        ):
            hit = _if_only(words, at)
            if hit:
                yield hit


def is_adverb_at(words: Words, at: int) -> bool:
    return at < len(words) and is_adverb(words[at])


def _participle(words: Words, at: int) -> int:
    """Index of the main verb behind the modal at `at`."""
    ahead = at + 1
    while (
        ahead < len(words)
        and ahead < at + 7
        and (
            lower(words, ahead) in ("have", "of", "not", "never", "been", "be", "to", "all", "at", "least")
            or is_adverb(words[ahead])
        )
    ):
        ahead += 1
    return ahead


def _is_perfect(words: Words, at: int) -> bool:
    """«should have tested», not «should have a test»: a participle follows."""
    main = _participle(words, at)
    return main < len(words) and (is_verb(words[main]) or lower(words, main) in PARTICIPLES)


def _hindsight_passive(words: Words, at: int) -> bool:
    """«should have been caught in review»; «should have been evicted by the kubelet» expects something of a system."""
    main = _participle(words, at)
    if "been" not in {lower(words, i) for i in range(at, main)} or lower(words, main) not in HINDSIGHT_PASSIVES:
        return False
    if lower(words, main + 1) == "by":
        return phrase_after(words, main + 2).who in PEOPLE | {Who.NAME}
    if lower(words, main) in (
        "handled",
        "raised",
        "read",
        "checked",
        "flagged",
        "fixed",
        "validated",
        "done",
        "known",
        "verified",
        "prevented",
        "planned",
        "avoided",
    ):
        subject_word = lower(words, subject(words, at).end - 1)
        return subject_word in (
            "this",
            "that",
            "it",
            "which",
            "change",
            "risk",
            "issue",
            "problem",
            "warning",
            "outage",
            "incident",
            "config",
            "configuration",
            "deploy",
            "alert",
            "migration",
            "certificate",
            "disk",
            "mistake",
            "impact",
            "concern",
            "code",
            "query",
        ) or lower(words, main + 1) in (
            "before",
            "earlier",
            "sooner",
            "long",
            "much",
            "by",
            "beforehand",
            "first",
            "better",
        )
    return True


def _system_passive(words: Words, at: int) -> bool:
    main = _participle(words, at)
    been = "been" in {lower(words, i) for i in range(at, main)}
    return (been and lower(words, main) not in HINDSIGHT_PASSIVES) or (
        not been and lower(words, main) not in PREVENTIONS | DILIGENCE
    )


def _prevented(words: Words, at: int) -> bool:
    main = _participle(words, at)
    if "been" in {lower(words, i) for i in range(at, main)}:
        return lower(words, main) in _COMPARATIVES
    ahead = {lower(words, i) for i in range(main, min(main + 7, len(words)))}
    return lower(words, main) in PREVENTIONS | (DILIGENCE - {"taken", "read", "taking"}) or bool(
        ahead & (_COMPARATIVES - {"more"})
    )


def _easily_avoided(words: Words, at: int) -> bool:
    main = _participle(words, at)
    inner = {lower(words, i) for i in range(at, main)}
    return (
        "been" in inner
        and bool(inner & {"easily", "simply", "trivially"})
        and lower(words, main) in ("avoided", "prevented", "caught", "spotted", "found", "fixed")
    )


def _hypothesis_about_people(words: Words) -> bool:
    return any(_if_only(words, at) is not None for at, w in enumerate(words) if w.lower in ("if", "had"))


def _if_only(words: Words, at: int) -> Hit | None:
    """«If the engineer had checked», «had they asked», «if only»."""
    word = lower(words, at)
    if word == "if" and lower(words, at + 1) == "only":
        return Hit("counterfactual", at, _rest_of_clause(words, at))
    found = phrase_after(words, at + 1)
    if found.who not in PEOPLE | {Who.NOBODY, Who.THEY, Who.NAME}:
        return None
    verb = found.end
    if word == "if":
        if lower(words, verb) not in ("had", "hadn't", "would", "did"):
            return None
        verb += 1
    while verb < len(words) and (
        is_adverb(words[verb])
        or lower(words, verb) in ("not", "have", "been", "only", "bothered", "to", "taken", "been")
    ):
        if lower(words, verb) in ("bothered", "taken"):
            break
        verb += 1
    main = lower(words, verb)
    if found.who in (Who.THEY, Who.NAME) and main not in DILIGENCE | HUMAN_FAILURES:
        return None
    if found.who is Who.WE and main not in (DILIGENCE | PREVENTIONS | {"followed", "waited", "used", "run", "rolled"}):
        return None
    if main in ("", "been", "had", "a", "an", "any", "more", "no", "access"):
        return None
    return Hit("counterfactual", at, _rest_of_clause(words, at))


def judgement(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word = token.lower
        if word in JUDGEMENTS:
            if word in (
                "lazy",
                "dumb",
                "clumsy",
                "hasty",
                "embarrassing",
                "carefree",
                "cavalier",
                "lazily",
                "egregious",
            ) and (
                lower(words, at + 1) in TECHNICAL_AFTER
                or lower(words, at - 1) in TECHNICAL_AFTER
                or words[at].text.isupper()
                or (word in ("lazy", "lazily", "dumb") and not _near_people(words, at))
            ):
                continue
            if word.startswith("gross") or _is_denied(words, at) or lower(words, at + 1) in ("mode", "loading"):
                continue
            yield Hit("judgement", at, at + 1)
        elif (
            word in ("poor", "bad", "terrible", "lousy", "questionable", "faulty")
            and lower(words, at + 1)
            in (
                "judgement",
                "judgment",
                "discipline",
                "attitude",
                "work",
                "workmanship",
                "engineering",
                "decision-making",
                "decision",
                "decisions",
            )
            and not (lower(words, at + 1).startswith("decision") and not _near_people(words, at))
        ):
            yield Hit("judgement", at, at + 2)
        elif word in ("lack", "lacked", "absence") and _lacks_virtue(words, at):
            yield Hit("judgement", at, _rest_of_clause(words, at, 4))
        elif (word in (
            "rookie",
            "amateur",
            "schoolboy",
            "basic",
            "silly",
            "dumb",
            "elementary",
            "avoidable",
            "preventable",
            "unnecessary",
        ) and lower(words, at + 1) in ("mistake", "mistakes", "error", "errors", "blunder", "slip")) or (
            word == "common" and lower(words, at + 1) == "sense"
        ):
            yield Hit("judgement", at, at + 2)
        elif word in ("bothered", "bother") and lower(words, at - 1) in NEGATIONS | {"be", "even"}:
            yield Hit("judgement", at - 1, _rest_of_clause(words, at))
        elif word in (
            "inexperienced",
            "junior",
            "careful",
            "attentive",
            "competent",
            "diligent",
            "vigilant",
            "disciplined",
        ) and _blames_quality(words, at):
            yield Hit("judgement", at, min(at + 2, len(words)))
        elif word in ("knew", "known") and lower(words, at + 1) == "better" and lower(words, at + 2) != "as":
            yield Hit("judgement", at, at + 2)


def _near_people(words: Words, at: int) -> bool:
    nearby = {lower(words, i) for i in range(max(0, at - 6), min(at + 7, len(words)))}
    from_people = {
        "engineer",
        "engineers",
        "team",
        "developer",
        "developers",
        "operator",
        "he",
        "she",
        "they",
        "we",
        "someone",
        "admin",
        "on-call",
        "reviewer",
        "reviewers",
        "work",
        "engineering",
        "decision",
        "mistake",
        "by",
        "dba",
        "was",
    }
    return bool(nearby & from_people)


def _lacks_virtue(words: Words, at: int) -> bool:
    virtues = {
        "attention",
        "diligence",
        "care",
        "discipline",
        "competence",
        "judgement",
        "judgment",
        "professionalism",
        "commitment",
        "rigour",
        "rigor",
        "foresight",
        "responsibility",
        "effort",
        "vigilance",
        "thought",
        "carefulness",
        "concentration",
        "focus",
        "common",
        "interest",
    }
    ahead = [lower(words, i) for i in range(at + 1, min(at + 5, len(words)))]
    return any(word in virtues for word in ahead[:4]) and (
        ahead[0] in ("of", "the", "any", "sufficient", "basic") or ahead[0] in virtues
    )


def _blames_quality(words: Words, at: int) -> bool:
    word, before, after = lower(words, at), lower(words, at - 1), lower(words, at + 1)
    if word in ("careful", "attentive", "competent", "diligent", "vigilant", "disciplined"):
        if (
            before in ("not", "insufficiently", "wasn't", "weren't", "enough")
            or (before in ("more", "enough") and lower(words, at - 2) in ("a", "been", "not"))
            or (before in ("very", "sufficiently") and lower(words, at - 2) in NEGATIONS)
        ):
            return True
        return before == "been" and "not" in {lower(words, i) for i in range(max(0, at - 4), at)}
    return (
        word == "inexperienced"
        and (phrase_after(words, at).who in PEOPLE or subject(words, at).who in PEOPLE)
        and after != "with"
    )


_PUNISHMENTS = word_set("reprimanded disciplined sacked punished sanctioned disciplinary reprimand")


def fault(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word = token.lower
        if word in FAULT_NOUNS and at > 0:
            hit = _possessed_fault(words, at) or _fault_of(words, at)
            if hit:
                yield hit
        if word == "fault" and lower(words, at - 1) == "at" and subject(words, at - 1).who in PEOPLE | {Who.NAME}:
            yield Hit("fault", at - 1, at + 1)
        elif word in ("blame", "blamed", "blames", "blaming"):
            if not _is_denied(words, at) and _blames_people(words, at):
                yield Hit("fault", at, _rest_of_clause(words, at, 6))
        elif word in ("culprit", "culprits", "guilty", "scapegoat"):
            found = phrase_after(words, at + 2)
            if (
                (lower(words, at + 1) in ("was", "is", "were", "party", ":")
                and found.who in PEOPLE)
                or (subject(words, at - 1).who in PEOPLE
                and word != "culprit")
            ):
                yield Hit("fault", at, at + 3)
        elif word in ("responsible", "accountable", "liable"):
            hit = _responsible(words, at)
            if hit:
                yield hit
        elif word in _PUNISHMENTS and not _is_denied(words, at):
            yield Hit("fault", at, at + 1)


def _possessed_fault(words: Words, at: int) -> Hit | None:
    """«Ben's mistake», «the team's failure to», «our oversight»; not «our failure rate», «the team's error budget»."""
    following = lower(words, at + 1)
    if following in _COMPOUND_AFTER_ERROR:
        return None
    if lower(words, at) in (
        "failure",
        "error",
        "errors",
        "fault",
        "lapse",
        "lapses",
        "slip",
        "inaction",
    ) and following not in ("to", "in", "", ".", ",", "and", "caused", "led", "was", "when", "of", "that"):
        return None
    back = at - 1
    while (
        back > 0
        and back > at - 3
        and not lower(words, back).endswith("'s")
        and lower(words, back) not in ("our", "his", "her", "their", "my", "your")
    ):
        if not words[back].is_word or lower(words, back) in PREPOSITIONS | {"the", "a", "an"} or is_verb(words[back]):
            return None
        back -= 1
    owner = lower(words, back)
    if owner in ("his", "her", "my", "your") or (
        owner == "our" and lower(words, at) not in ("failure", "error", "errors", "fault")
    ):
        return Hit("fault", back, _rest_of_clause(words, at, 6))
    if owner == "our" and following in ("to", ".", ",", ""):
        return Hit("fault", back, _rest_of_clause(words, at, 6))
    if owner == "their" and (
        following in ("to", "in") or lower(words, at) not in ("failure", "error", "errors", "fault")
    ):
        return Hit("fault", back, _rest_of_clause(words, at, 6))
    if owner.endswith(("'s", "s'")):
        found = phrase_before(words, back + 1)
        if found.who in PEOPLE or (
            found.who is Who.NAME and lower(words, at) not in ("failure", "error", "errors", "fault")
        ):
            return Hit("fault", found.start, _rest_of_clause(words, at, 6))
    return None


def _fault_of(words: Words, at: int) -> Hit | None:
    """«a mistake made by the DBA», «an error on the part of», «failure of the reviewer to»."""
    following = at + 1
    if lower(words, at) in ("fault",) and lower(words, following) == "lies":
        following += 1
    if lower(words, following) in ("made", "committed"):
        following += 1
    if (
        lower(words, following) == "on"
        and lower(words, following + 1) in ("the", "our", "their")
        and lower(words, following + 2) in ("part", "side")
    ):
        if lower(words, following + 1) in ("our", "their"):
            return Hit("fault", at, following + 3)
        following += 3
    elif lower(words, following) not in ("by", "of", "with", "from"):
        return None
    found = phrase_after(words, following + 1)
    if found.who not in PEOPLE or (lower(words, following) in ("from", "with") and lower(words, at) != "fault"):
        return None
    return Hit("fault", at, min(found.end, len(words)))


def _blames_people(words: Words, at: int) -> bool:
    ahead = range(at + 1, min(at + 6, len(words)))
    if any(lower(words, i) in ("on", "with", "for", "to") and phrase_after(words, i + 1).who in PEOPLE for i in ahead):
        return True
    if lower(words, at) in ("blame", "blamed") and lower(words, at - 1) in ("to", "is", "was", "were", "are", "be"):
        return subject(words, at - 1).who in PEOPLE
    return phrase_after(words, at + 1).who in PEOPLE and lower(words, at) in ("blame", "blames", "blaming")


def _responsible(words: Words, at: int) -> Hit | None:
    ahead = {lower(words, i) for i in range(at + 1, min(at + 8, len(words)))}
    harmful = ahead & (HARM | {"this", "breaking", "causing", "deleting", "losing"}) and lower(words, at + 1) == "for"
    if lower(words, at) == "accountable" and lower(words, at - 1) == "held":
        return Hit("fault", at - 1, at + 1)
    if not harmful or ahead & {
        "review",
        "reviews",
        "response",
        "budget",
        "tracking",
        "handling",
        "management",
        "postmortem",
        "communication",
        "communications",
        "reports",
        "recovery",
    }:
        return None
    found = subject(words, at)
    return Hit("fault", found.start, _rest_of_clause(words, at, 6)) if found.who in PEOPLE else None


_CARE = frozenset(
    {
        "careful",
        "vigilant",
        "attentive",
        "diligent",
        "mindful",
        "cautious",
        "disciplined",
        "thorough",
        "alert",
        "conscientious",
    }
)


def admonition(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word, following = token.lower, lower(words, at + 1)
        if (
            word in _CARE
            and lower(words, at - 1) in ("more", "extra", "very", "be", "better", "really")
            and word != "alert"
        ):
            before = {lower(words, back) for back in range(max(0, at - 4), at)}
            if before & {"be", "being", "become"} and not is_technical_subject(words, at):
                yield Hit("admonition", at - 1, at + 1)
        elif (
            word in ("more", "closer", "better", "greater", "extra")
            and following in ("attention", "care", "caution", "diligence", "discipline")
            and (
                {lower(words, back) for back in range(max(0, at - 3), at)}
                & {"pay", "paid", "paying", "take", "taking", "exercise", "with", "taken", "show"}
            )
        ):
            yield Hit("admonition", at - 1, at + 2)
        elif (
            word in ("remind", "reminded", "retrain", "retrained", "admonish", "lecture")
            and phrase_after(words, at + 1).who in PEOPLE
        ) or (
            word in ("reminded", "retrained", "told")
            and lower(words, at - 1) in ("be", "been", "was", "were")
            and subject(words, at).who in PEOPLE
            and (word != "told" or _CARE & {lower(words, i) for i in range(at, at + 5)})
        ):
            yield Hit("admonition", at, _rest_of_clause(words, at, 8))
        elif (word == "must" and following in ("remember", "learn")) or (word == "try" and following == "harder"):
            if word == "try" or subject(words, at).who in PEOPLE:
                yield Hit("admonition", at, at + 2)
        elif word == "think" and following in ("before", "twice"):
            yield Hit("admonition", at, at + 2)


def is_technical_subject(words: Words, at: int) -> bool:
    return subject(words, at - 1).who is Who.SYSTEM and lower(words, at) != "careful"


RULES: tuple[Callable[[Words], Iterator[Hit]], ...] = (
    human_error,
    person_as_failure,
    counterfactual,
    judgement,
    fault,
    admonition,
)

__all__ = ["CONJUNCTIONS", "EXPLANATIONS", "RULES", "Hit", "Words"]
