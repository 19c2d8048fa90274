"""Words that judge people."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import Hit, is_denied, rest_of_clause
from services.drafting.blameless.people import PEOPLE, classify
from services.drafting.blameless.subjects import phrase_after, phrase_before, subject
from services.drafting.blameless.tokens import NEGATIONS, Words, lower
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import JUDGEMENTS, TECHNICAL_AFTER


def judgement(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word = token.lower
        if word in JUDGEMENTS:
            if word in (
                "lazy", "dumb", "clumsy", "hasty", "embarrassing", "carefree", "cavalier", "lazily", "egregious",
            ) and (
                lower(words, at + 1) in TECHNICAL_AFTER
                or lower(words, at - 1) in TECHNICAL_AFTER
                or words[at].text.isupper()
                or (word in ("lazy", "lazily", "dumb") and not _near_people(words, at))
            ):
                continue
            if word.startswith("gross") or is_denied(words, at) or lower(words, at + 1) in ("mode", "loading"):
                continue
            yield Hit("judgement", at, at + 1)
        elif (
            word in ("poor", "bad", "terrible", "lousy", "questionable", "faulty")
            and lower(words, at + 1)
            in (
                "judgement", "judgment", "discipline", "attitude", "work", "workmanship", "engineering",
                "decision-making", "decision", "decisions",
            )
            and not (lower(words, at + 1).startswith("decision") and not _near_people(words, at))
        ) or (word in ("poor", "bad", "terrible", "slow", "weak") and (
            lower(words, at + 2) in ("by", "from") and phrase_after(words, at + 3).who in PEOPLE
        )) or (word in _POOR and _is_owned(words, at)):
            yield Hit("judgement", at, at + 2)
        elif _is_unwise(words, at):
            yield Hit("judgement", at, at + 2)
        elif word in ("avoidable", "preventable") and lower(words, at - 1) in (
            "entirely", "easily", "completely", "perfectly", "totally", "wholly", "clearly",
        ):
            yield Hit("judgement", at - 1, at + 1)
        elif word in ("lack", "lacked", "absence") and _lacks_virtue(words, at):
            yield Hit("judgement", at, rest_of_clause(words, at, 4))
        elif (word in (
            "rookie", "amateur", "schoolboy", "basic", "silly", "dumb", "elementary", "avoidable", "preventable",
            "unnecessary",
        ) and lower(words, at + 1) in ("mistake", "mistakes", "error", "errors", "blunder", "slip")) or (
            word == "common" and lower(words, at + 1) == "sense"
        ):
            yield Hit("judgement", at, at + 2)
        elif (
            word in ("obviously", "clearly", "plainly", "evidently")
            and lower(words, at + 1) == "a"
            and lower(words, at + 2) in ("bad", "poor", "terrible", "wrong", "stupid")
        ) or (word == "unacceptable" and {"no", "nobody", "one"} & {token.lower for token in words}):
            yield Hit("judgement", at, min(at + 3, len(words)))
        elif word in ("bothered", "bother") and lower(words, at - 1) in NEGATIONS | {"be", "even"}:
            yield Hit("judgement", at - 1, rest_of_clause(words, at))
        elif word in (
            "inexperienced", "junior", "careful", "attentive", "competent", "diligent", "vigilant", "disciplined",
        ) and _blames_quality(words, at):
            yield Hit("judgement", at, min(at + 2, len(words)))
        elif word in ("knew", "known") and lower(words, at + 1) == "better" and lower(words, at + 2) != "as":
            yield Hit("judgement", at, at + 2)


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
    if word in _UNWISE and following in ("of", "for"):
        return phrase_after(words, at + 2).who in PEOPLE
    is_call = word in ("bad", "poor", "terrible", "dubious") and following in ("call", "idea", "choice", "move")
    return is_call and any(classify((token,)) in PEOPLE for token in words[:at])


_POOR = word_set("poor bad wrong terrible questionable hasty sloppy incorrect")
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
