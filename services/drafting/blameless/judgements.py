"""Words that judge people."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import Hit, is_denied, rest_of_clause
from services.drafting.blameless.people import PEOPLE, Who, classify
from services.drafting.blameless.subjects import phrase_after, phrase_before, subject
from services.drafting.blameless.tokens import NEGATIONS, Words, lower
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import JUDGEMENTS, TECHNICAL_AFTER


def judgement(words: Words) -> Iterator[Hit]:
    for at in range(len(words)):
        for test in _TESTS:
            end = test(words, at)
            if end:
                start = at - 1 if test in _WITH_THE_WORD_BEFORE else at
                yield Hit("judgement", start, min(end, len(words)))
                break


# Each gives where the judgement at `at` ends; 0 is none.


def _judging_word(words: Words, at: int) -> int:
    word = lower(words, at)
    if word not in JUDGEMENTS or (word in _ALSO_OF_PROGRAMS and _is_said_of_a_program(words, at)):
        return 0
    is_mode = lower(words, at + 1) in ("mode", "loading")
    return 0 if word.startswith("gross") or is_denied(words, at) or is_mode else at + 1


def _poor_work(words: Words, at: int) -> int:
    """«poor judgement», «bad decisions by the lead», «the architect's poor design»."""
    word, following = lower(words, at), lower(words, at + 1)
    if word in _POOR and _is_owned(words, at):
        return at + 2
    is_work = word in ("poor", "bad", "terrible", "lousy", "questionable", "faulty") and following in _WORK
    return at + 2 if is_work and (not following.startswith("decision") or _near_people(words, at)) else 0


def _unwise(words: Words, at: int) -> int:
    return at + 2 if _is_unwise(words, at) else 0


def _avoidable(words: Words, at: int) -> int:
    """«entirely avoidable»."""
    is_avoidable = lower(words, at) in ("avoidable", "preventable")
    return at + 1 if is_avoidable and lower(words, at - 1) in _ENTIRELY else 0


def _missing_virtue(words: Words, at: int) -> int:
    is_missing = lower(words, at) in ("lack", "lacked", "absence") and _lacks_virtue(words, at)
    return rest_of_clause(words, at, 4) if is_missing else 0


def _rookie_mistake(words: Words, at: int) -> int:
    following = lower(words, at + 1)
    if lower(words, at) == "common" and following == "sense":
        return at + 2
    is_slip = following in ("mistake", "mistakes", "error", "errors", "blunder", "slip")
    return at + 2 if is_slip and lower(words, at) in _ROOKIE else 0


def _obvious(words: Words, at: int) -> int:
    """«obviously a bad idea», «that nobody looked is unacceptable»."""
    if lower(words, at) in ("obvious", "evident"):
        was_told = lower(words, at - 1) in ("was", "painfully", "perfectly", "clearly", "quite")
        return at + 1 if was_told and "it" in {token.lower for token in words[:at]} and (
            lower(words, at + 1) == "that" or "that" in {token.lower for token in words[at : at + 4]}) else 0
    if lower(words, at) == "unacceptable":
        return at + 3 if {"no", "nobody", "one"} & {token.lower for token in words} else 0
    is_obvious = lower(words, at) in ("obviously", "clearly", "plainly", "evidently") and lower(words, at + 1) == "a"
    return at + 3 if is_obvious and lower(words, at + 2) in ("bad", "poor", "terrible", "wrong", "stupid") else 0


def _not_bothered(words: Words, at: int) -> int:
    is_bothered = lower(words, at) in ("bothered", "bother") and lower(words, at - 1) in NEGATIONS | {"be", "even"}
    return rest_of_clause(words, at) if is_bothered else 0


def _quality(words: Words, at: int) -> int:
    """«not careful», «an inexperienced engineer»."""
    return at + 2 if lower(words, at) in _QUALITIES and _blames_quality(words, at) else 0


def _knew_better(words: Words, at: int) -> int:
    is_known = lower(words, at) in ("knew", "known") and lower(words, at + 1) == "better"
    return at + 2 if is_known and lower(words, at + 2) != "as" else 0


_TESTS = (
    _judging_word, _poor_work, _unwise, _avoidable, _missing_virtue, _rookie_mistake, _obvious, _not_bothered, _quality,
    _knew_better,
)
_WITH_THE_WORD_BEFORE = (_avoidable, _not_bothered)
_ALSO_OF_PROGRAMS = word_set("lazy dumb clumsy hasty embarrassing carefree cavalier lazily egregious")
_WORK = word_set("""
    judgement judgment discipline attitude work workmanship engineering decision-making decision decisions
""")
_ENTIRELY = word_set("entirely easily completely perfectly totally wholly clearly")
_ROOKIE = word_set("rookie amateur schoolboy basic silly dumb elementary avoidable preventable unnecessary")
_QUALITIES = word_set("inexperienced junior careful attentive competent diligent vigilant disciplined")


def _is_said_of_a_program(words: Words, at: int) -> bool:
    """«lazy loading», «dumb terminal»."""
    return (
        lower(words, at + 1) in TECHNICAL_AFTER
        or lower(words, at - 1) in TECHNICAL_AFTER
        or words[at].text.isupper()
        or (lower(words, at) in ("lazy", "lazily", "dumb") and not _near_people(words, at))
    )


def _is_owned(words: Words, at: int) -> bool:
    """«the architect's poor design decision», «a poor choice of the team»."""
    if lower(words, at - 1).endswith(("'s", "s'")):
        return phrase_before(words, at).who in PEOPLE
    return any(
        lower(words, place) in ("by", "from") and phrase_after(words, place + 1).who in PEOPLE
        for place in (at + 2, at + 3)
    )


def _is_unwise(words: Words, at: int) -> bool:
    """«it was wrong of the engineer», «which was a bad call» in a sentence about people."""
    word, following = lower(words, at), lower(words, at + 1)
    if word in _REGRETTED and following == "that":
        return phrase_after(words, at + 2).who in PEOPLE
    if word in _UNQUALIFIED:
        return phrase_after(words, at).who is Who.PERSON
    if word in _UNWISE and following in ("of", "for"):
        return phrase_after(words, at + 2).who in PEOPLE
    is_call = word in ("bad", "poor", "terrible", "dubious") and following in ("call", "idea", "choice", "move")
    return is_call and any(classify((token,)) in PEOPLE for token in words[:at])


_POOR = word_set("slow late belated poor bad wrong terrible questionable hasty sloppy incorrect")
_REGRETTED = word_set("disappointing embarrassing regrettable unbelievable inexcusable baffling shocking telling")
_UNQUALIFIED = word_set("untrained unqualified overzealous rogue clueless inattentive unskilled")
_UNWISE = word_set("wrong naive unwise silly unfair rude bad unreasonable inappropriate unhelpful")


def _near_people(words: Words, at: int) -> bool:
    nearby = {lower(words, i) for i in range(max(0, at - 6), min(at + 7, len(words)))}
    from_people = word_set("""
        engineer engineers team developer developers operator he she they we someone admin on-call reviewer reviewers
        work engineering decision mistake by dba was
    """)
    return bool(nearby & from_people)


def _lacks_virtue(words: Words, at: int) -> bool:
    virtues = word_set("""
        attention diligence care discipline competence judgement judgment professionalism commitment rigour rigor
        foresight responsibility effort vigilance thought carefulness concentration focus common interest
    """)
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
