"""A person or a team as the subject of a failure: what they left undone."""

from services.drafting.blameless.clauses import by_agent
from services.drafting.blameless.people import PEOPLE, Who
from services.drafting.blameless.subjects import Phrase, subject
from services.drafting.blameless.tokens import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    NEGATIONS,
    PREPOSITIONS,
    Words,
    is_adverb,
    is_verb,
    lower,
)
from services.drafting.blameless.verbs import gerunds
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import DILIGENCE, KNOWING


def negligence(words: Words, at: int) -> Phrase | None:
    """«the team did not test», «nobody checked», «Ken never read the runbook»."""
    word = lower(words, at)
    if word in NEGATIONS:
        verb_at = at + 1
        while verb_at < len(words) and (is_adverb(words[verb_at]) or lower(words, verb_at) in ("been", "have", "be")):
            verb_at += 1
        verb = lower(words, verb_at)
        if word in (
            "wasn't", "weren't", "couldn't", "wouldn't", "won't", "cannot", "can't", "isn't", "shouldn't", "don't",
            "doesn't",
        ):
            return None
        if word == "not" and lower(words, at - 1) not in ("did", "had", "has", "have"):
            return None
        is_clueless = verb in ("know", "understand") and lower(words, verb_at + 1) == "what"
        is_duty = _is_duty(words, verb_at)
        is_act = _is_left_undone(words, verb_at)
        if verb not in DILIGENCE and not is_duty and not is_clueless and not is_act and verb not in _INSIGHT:
            return None
        found = subject(words, at)
        if is_act and verb not in DILIGENCE and not is_duty:
            is_anyone = lower(words, found.start) == "you"
            return found if found.who in (Who.PERSON, Who.TEAM) and not is_anyone else None
        if found.who is Who.WE and verb in KNOWING:
            return None
        if found.who is Who.SYSTEM and lower(words, at - 1) in CONJUNCTIONS and verb in _ONLY_PEOPLE:
            found = _first_subject(words, at)
            if found.who is Who.NAME:
                return found
        if found.who is Who.THEY and found.start == 0 and verb in _ONLY_PEOPLE:
            return found
        if verb in _INSIGHT and found.who in PEOPLE and not is_clueless and not (
            _is_reason(words, found.start) or _is_doer(words, at - 1) or _is_held_plain(words, at)
            or (verb in ("realise", "realize") and found.who is Who.PERSON)
        ):
            return None
        if verb in ("think", "bother") and lower(words, verb_at + 1) == "to" and found.who is Who.USER:
            return found
        if verb in ("see", "need", "catch", "plan", "take") and found.who is Who.TEAM and not is_duty:
            return None
        return found if found.who in PEOPLE else None
    if (word in DILIGENCE or word in _OWNING or _is_duty(words, at)) and is_verb(words[at]):
        found = subject(words, at)
        if found.who is Who.NOBODY and lower(words, at - 1) not in ("was", "were", "been", "is", "be"):
            return found
    return None


# What is left undone where nothing says why; with a reason it is an account of the situation.
_ACTS = word_set("""
    respond responded answer answered reply replied react reacted act acted address addressed fix fixed turn turned
    turning renew renewed rotate rotated clean cleaned report reported record recorded secure secured protect protected
    care cared share shared schedule scheduled wake woke call called assess assessed evaluate evaluated own owned
    remove removed close closed finish finished define defined measure measured estimate estimated rehearse help
    helped cooperate intervene intervened cover covered
""")
# What people do not have, get or know is their situation.
_SITUATION = word_set("""
    have had get got receive received see seen know known need needed belong lose lost work worked find found hear heard
    expect expected want wanted exist arrive mean meant own like agree matter reach reached depend participate attend
    happen do done be been cause caused affect affected break touch touched experience encounter become appear come
    count apply stand live use used change changed
""")


def _is_left_undone(words: Words, verb: int) -> bool:
    """An act that somebody did not do, and no word on why."""
    is_explained = any(token.lower in _EXPLAINS or token.text in ";:" for token in words[verb:])
    if is_explained or lower(words, verb - 1) in ("have", "be"):
        return False
    if lower(words, verb) in ("get", "got") and lower(words, verb + 1) in ("round", "around"):
        return True
    if verb >= len(words) or not words[verb].is_word:
        return verb > 1 and lower(words, verb - 1) == "not"
    return lower(words, verb) in _ACTS or (
        words[verb].text.isalpha() and lower(words, verb) not in _SITUATION | PREPOSITIONS | DETERMINERS
    )


_EXPLAINS = word_set("because since as which where")
_OWNING = word_set("reacted responded replied acted cared owned stepped objected intervened stopped thought bothered")


def _is_held_plain(words: Words, at: int) -> bool:
    """«clearly did not understand»: the writer sits in judgement."""
    return bool({lower(words, at - 1), lower(words, at - 2)} & _PLAINLY)


_PLAINLY = frozenset({"clearly", "obviously", "evidently", "plainly", "simply"})


def _is_doer(words: Words, auxiliary: int) -> bool:
    """«started by someone who did not know the system»."""
    who = auxiliary - 1
    return lower(words, who) == "who" and any(lower(words, back) == "by" for back in range(max(0, who - 5), who))


_INSIGHT = word_set("realise realize understand know learn learned anticipate")
# What no program is said to leave undone.
_ONLY_PEOPLE = word_set("""
    test tested verify verified read review reviewed communicate ask tell bother document double-check escalate
""")


def _first_subject(words: Words, end: int) -> Phrase:
    """The subject of the first verb, which a coordination far behind it may share."""
    first = next((at for at in range(1, end) if is_verb(words[at])), 0)
    return subject(words, first) if first else Phrase(Who.UNKNOWN, end, end)


def _is_reason(words: Words, start: int) -> bool:
    """Ignorance given as the cause: «because the developer did not understand»."""
    return lower(words, start - 1) in ("because", "that") and bool(
        {"because", "cause", "reason"} & {token.lower for token in words[:start]}
    )


def despite(words: Words, at: int) -> Phrase | None:
    """«Did not disable the pipeline despite being aware of the risk»."""
    if lower(words, at) != "despite" or not {lower(words, i) for i in range(at + 1, at + 5)} & _KNOWLEDGE:
        return None
    first = next((place for place in range(at) if lower(words, place) in NEGATIONS), None)
    if first is None:
        found = _first_subject(words, at)
        return found if found.who in (Who.PERSON, Who.TEAM) else None
    found = subject(words, first)
    return found if found.who in PEOPLE | {Who.ELIDED} else None


_KNOWLEDGE = word_set("aware knowing warning warnings awareness advice objections instructions")


def _is_duty(words: Words, at: int) -> bool:
    """«run the tests», «complete the checklist», «get approval», «wait for»."""
    verb = lower(words, at)
    if verb in (
        "take", "took", "taken", "paid", "had", "did", "gave", "showed", "show", "made", "signed", "sign", "kept",
        "run", "ran", "complete", "completed", "perform", "performed", "use", "used", "do", "get", "got", "write",
        "keep", "make", "give", "wait", "update",
    ):
        ahead = {lower(words, i) for i in range(at + 1, min(at + 6, len(words)))}
        return bool(ahead & _DUTIES)
    return False


_CARE = word_set("""
    evidence proof review approval permission authorisation authorization testing telling asking thinking warning
    verification consent notice explanation justification regard concern coordination consultation double-checking
    looking waiting realising realizing understanding
""")
# Left out by those who do well: «rolled back without losing data».
_SAFELY = gerunds("""
    lose break affect impact restart stop need have know touch change interrupt cause disturb see drop find get use
    warn disrupt require impair harm damage downtime delay block wait involve reboot redeploy notice lead suffer
""")


_DUTIES = word_set("""
    backup backups snapshot seriously precautions responsibility ownership care heed sense courage suite
    tests test checklist runbook checks check review approval job homework due sure sign-off procedure process dry
    attention diligence verification documentation handover notice
""")


def without_care(words: Words, at: int) -> Phrase | None:
    """«Lee merged it without checking»: care left out by a person who acts."""
    if lower(words, at) != "without":
        return None
    following = lower(words, at + 1)
    second = lower(words, at + 2)
    if not (
        (following.endswith("ing")
        and (following in DILIGENCE or following not in _SAFELY))
        or following in _CARE
        or (
            following in ("any", "proper", "due", "prior", "a", "the", "their", "his", "her", "first")
            and (second in _CARE or second in {"test", "check", "regard"})
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
                return by_agent(words, back)
            found = subject(words, back)
            return found if found.who in PEOPLE else None
    return None
