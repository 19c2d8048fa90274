"""A person or a team as the subject of a failure: what they did."""

from collections.abc import Iterator

from services.drafting.blameless import conduct, manner
from services.drafting.blameless.agents import agents
from services.drafting.blameless.clauses import COMPOUND_AFTER_ERROR, Hit, rest_of_clause
from services.drafting.blameless.idioms import idiom
from services.drafting.blameless.negligence import despite, negligence, without_care
from services.drafting.blameless.people import PEOPLE, Who
from services.drafting.blameless.subjects import Phrase, subject
from services.drafting.blameless.tokens import AUXILIARIES, NEGATIONS, Words, is_adverb, is_verb, lower
from services.drafting.blameless.verbs import pasts
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import (
    CAUSES,
    FAILURES,
    FAILURES_OF_OTHERS,
    HARM,
    HUMAN_ACTS,
    HUMAN_FAILURES,
    MISTAKENLY,
    PARTICLE_FAILURES,
    PASSIVE_FAILURES,
    WRONG,
)


def person_as_failure(words: Words) -> Iterator[Hit]:
    for at in range(len(words)):
        for test in _TESTS:
            found = test(words, at)
            if found is not None:
                start, end = _verb_phrase(words, found, at)
                yield Hit("person-as-failure", start, end)
                break
    yield from agents(words)


def _verb_phrase(words: Words, found: Phrase, verb: int) -> tuple[int, int]:
    start = found.start if found.who is not Who.ELIDED and found.start < verb and verb - found.start < 14 else verb
    return start, rest_of_clause(words, verb)


def _human_failure(words: Words, at: int) -> Phrase | None:
    word = lower(words, at)
    following = lower(words, at + 1)
    if (
        (word in PARTICLE_FAILURES and "up" in (following, lower(words, at + 2)))
        or (word == "made" and _object_is_mistake(words, at + 1))
        or (word in ("dropped", "drop") and following == "the" and lower(words, at + 2) == "ball")
    ):
        pass
    elif following in ("nothing", "none") or word not in HUMAN_FAILURES or lower(words, at - 1) in (
        "was", "were", "been", "be", "is", "are", "being", "easily", "often", "a", "the", "long", "an",
    ):
        return None
    found = subject(words, at)
    if found.who in PEOPLE | {Who.NAME, Who.THEY, Who.USER}:
        return found
    if found.who is Who.ELIDED and word in (
        "forgot", "neglected", "overlooked", "misread", "mistyped", "botched", "forgetting", "misunderstood",
    ):
        return found
    return None


def _object_is_mistake(words: Words, at: int) -> bool:
    for ahead in range(at, min(at + 5, len(words))):
        if lower(words, ahead) in (
            "mistake", "mistakes", "error", "errors", "blunder", "misjudgement", "typo", "oversight", "slip",
        ):
            return lower(words, ahead + 1) not in COMPOUND_AFTER_ERROR
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
        "was", "were", "been", "be", "is", "are", "being", "get", "got",
    ):
        return None
    if lower(words, at - 1) in NEGATIONS:
        return None
    found = subject(words, at)
    if found.who is Who.WE and lower(words, at) in FAILURES_OF_OTHERS:
        return None
    if found.who is Who.THEY and {lower(words, i) for i in range(at + 1, at + 4)} & {"advice", "warning", "warnings"}:
        return found
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


_QUANTITIES = word_set("""
    slo slos sla slas target targets objective objectives goal goals deadline budget
""")


def _by_doing(words: Words, at: int) -> bool:
    """«skipped the cache by setting a header»: done on purpose, with a means."""
    end = rest_of_clause(words, at)
    return lower(words, at).startswith(("skip", "bypass", "circumvent")) and any(
        lower(words, i) == "by" and lower(words, i + 1).endswith("ing") for i in range(at + 1, end)
    )


def _mistaken_act(words: Words, at: int) -> Phrase | None:
    """«Sam deployed to the wrong cluster», «we accidentally deleted», «the DBA dropped it by mistake»."""
    if not is_verb(words[at]) or lower(words, at) in AUXILIARIES | NEGATIONS:
        return None
    end = rest_of_clause(words, at, 16)
    wrong = _wrong_object(words, at + 1, end) or _done_wrong(words, at, end)
    mistaken = lower(words, at - 1) in MISTAKENLY or any(lower(words, i) in MISTAKENLY for i in range(at + 1, end))
    by_mistake = any(
        lower(words, i) in ("by", "in") and lower(words, i + 1) in ("mistake", "accident", "error")
        for i in range(at + 1, end)
    )
    if not (wrong or mistaken or by_mistake):
        return None
    is_finding = lower(words, at) in _FINDING_VERBS and not (mistaken or by_mistake)
    if is_finding or any(lower(words, back) in ("was", "were", "been", "being") for back in (at - 1, at - 2)):
        return None
    found = subject(words, at)
    return found if found.who in PEOPLE else None


_FINDING_VERBS = word_set("""
    found noticed saw spotted fixed reverted identified discovered reported corrected replaced removed detected
    rolled restored realised realized diagnosed traced confirmed suspected undid disabled drained isolated cordoned
    observed received blocked located repaired investigated cleaned expected thought believed paused stopped
""")


_STATING = frozenset({"was", "were", "is", "went", "as", "something", "nothing", "what"})


def _done_wrong(words: Words, at: int, end: int) -> bool:
    """«typed the snapshot name wrong»."""
    return lower(words, end - 1) in ("wrong", "incorrectly", "backwards", "wrongly") and lower(words, at) in _WRITTEN


_WRITTEN = pasts("type enter spell set configure copy read do put write label wire connect calculate get")


def _wrong_object(words: Words, start: int, end: int) -> bool:
    for at in range(start, end):
        if lower(words, at) in WRONG and lower(words, at - 1) not in _STATING:
            return any(words[i].is_word for i in range(at + 1, min(at + 3, len(words))))
        if lower(words, at) == "that" or (is_verb(words[at]) and at > start + 6):
            return False
    return False


def _harm(words: Words, at: int) -> Phrase | None:
    """«an engineer took down production», «Omar caused the outage», «the team introduced a bug»."""
    word = lower(words, at)
    if word not in CAUSES or lower(words, at - 1) in ("was", "were", "been", "is", "are", "being"):
        return None
    ahead = [lower(words, i) for i in range(at + 1, min(at + 7, len(words)))]
    if word in ("took", "brought", "knocked") and not {"down", "out", "offline"} & set(ahead):
        return None
    if word in (
        "took", "brought", "killed", "wiped", "started", "created", "produced", "triggered", "broke", "crashed",
    ) and not (set(ahead) & (HARM - {"error", "errors", "problem", "problems", "loss", "crash"})):
        return None
    if word in ("started", "created", "produced", "triggered") and not set(ahead[:3]) & {
        "outage", "downtime", "mess", "breakage", "disruption", "regression", "bug",
    }:
        return None
    if word in ("caused", "causes", "introduced") and not set(ahead) & HARM:
        return None
    found = subject(words, at)
    return found if found.who in PEOPLE else None


def _passive_failure(words: Words, at: int) -> Phrase | None:
    """«the migration was botched»: what only people do, said of nobody; not «is easily overlooked»."""
    if lower(words, at) not in PASSIVE_FAILURES:
        return None
    back = at - 1
    while back > 0 and is_adverb(words[back]) and lower(words, back) != "easily":
        back -= 1
    if lower(words, back) == "been" and lower(words, back - 1) in ("had", "has", "have"):
        return Phrase(Who.PERSON, at, at)
    return Phrase(Who.PERSON, at, at) if lower(words, back) in ("was", "were") else None


def _left_undone(words: Words, at: int) -> Phrase | None:
    """«the failure to test the restore»: what only people do."""
    if lower(words, at) not in ("failure", "refusal", "reluctance", "unwillingness", "neglect"):
        return None
    is_act = lower(words, at + 1) == "to" and lower(words, at + 2) in HUMAN_ACTS | _CHECKS
    return Phrase(Who.PERSON, at, at) if is_act else None


_CHECKS = word_set("test check verify review read escalate communicate act plan prepare listen share rehearse respond")


_TESTS = (
    _human_failure, _failed_to, _failure_verb, _mistaken_act, negligence, despite, without_care, _harm, idiom,
    conduct.inattention, conduct.too_long, conduct.even, conduct.destruction, conduct.instead, conduct.allowed,
    conduct.whoever, manner.in_haste, manner.left_out, _passive_failure, _left_undone,
)
