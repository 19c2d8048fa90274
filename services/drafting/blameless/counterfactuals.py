"""What people should have done."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import COMPARATIVES, Hit, by_agent, participle, rest_of_clause
from services.drafting.blameless.people import PEOPLE, Who
from services.drafting.blameless.subjects import phrase_after, subject
from services.drafting.blameless.tokens import Words, is_adverb, is_adverb_at, is_verb, lower
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import (
    DILIGENCE,
    HINDSIGHT_PASSIVES,
    HUMAN_FAILURES,
    PARTICIPLES,
    PREVENTIONS,
)


def counterfactual(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word, following = token.lower, lower(words, at + 1)
        end = rest_of_clause(words, at)
        if word in ("should", "shouldn't", "ought", "should've") and (
            following in ("have", "of")
            or (
                following
                in (
                    "not", "never", "to", "also", "really", "at", "instead", "clearly", "probably", "simply",
                    "definitely", "just", "certainly",
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
            elif _hindsight_passive(words, at) or by_agent(words, at) is not None:
                yield Hit("counterfactual", at, end)
        elif word in ("could", "could've", "might") and (
            following == "have"
            or word == "could've"
            or (is_adverb_at(words, at + 1) and lower(words, at + 2) == "have")
        ):
            found = subject(words, at)
            if _prevented(words, at) and found.who in PEOPLE | {Who.NOBODY}:
                yield Hit("counterfactual", min(found.start, at), end)
            elif (
                _by_care(words, at)
                or _easily_avoided(words, at)
                or _sooner(words, at)
                or by_agent(words, at) is not None
            ):
                yield Hit("counterfactual", at, end)
        elif (word == "would" and following == "have" and _by_people(words, at)) or (
            word == "would"
            and following == "have"
            and subject(words, at).who in PEOPLE
            and _prevented(words, at)
            and _hypothesis_about_people(words)
        ):
            yield Hit("counterfactual", at, end)
        elif word == "would" and "have" in (following, lower(words, at + 2)) and _better_person(words, at):
            yield Hit("counterfactual", subject(words, at).start, end)
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
            and "would" not in {token.lower for token in words[:at]}
        ):
            hit = _if_only(words, at)
            if hit:
                yield hit


def _better_person(words: Words, at: int) -> bool:
    """«an experienced engineer would have spotted this»: somebody else is held up as a measure."""
    found = subject(words, at)
    if found.who not in (Who.PERSON, Who.TEAM) or not _prevented(words, at):
        return False
    return bool({token.lower for token in words[found.start : at]} & _BETTER)


_BETTER = word_set("""
    experienced better-trained better competent careful good proper attentive senior trained skilled diligent real
    seasoned decent responsible vigilant reasonable qualified another
""")


def _is_perfect(words: Words, at: int) -> bool:
    """«should have tested», not «should have a test»: a participle follows."""
    main = participle(words, at)
    if main >= len(words):
        return False
    is_going_on = lower(words, main - 1) == "been" and lower(words, main).endswith("ing")
    return is_verb(words[main]) or lower(words, main) in PARTICIPLES or is_going_on


def _hindsight_passive(words: Words, at: int) -> bool:
    """«should have been caught in review»; «should have been evicted by the kubelet» expects something of a system."""
    main = participle(words, at)
    if "been" not in {lower(words, i) for i in range(at, main)} or lower(words, main) not in HINDSIGHT_PASSIVES:
        return False
    if lower(words, main + 1) == "by":
        return phrase_after(words, main + 2).who in PEOPLE | {Who.NAME}
    if lower(words, main) in (
        "handled", "raised", "read", "checked", "flagged", "fixed", "validated", "done", "known", "verified",
        "prevented", "planned", "avoided",
    ):
        subject_word = lower(words, subject(words, at).end - 1)
        return subject_word in (
            "this", "that", "it", "which", "change", "risk", "issue", "problem", "warning", "outage", "incident",
            "config", "configuration", "deploy", "alert", "migration", "certificate", "disk", "mistake", "impact",
            "concern", "code", "query",
        ) or lower(words, main + 1) in (
            "before", "earlier", "sooner", "long", "much", "by", "beforehand", "first", "better",
        )
    return True


def _system_passive(words: Words, at: int) -> bool:
    main = participle(words, at)
    been = "been" in {lower(words, i) for i in range(at, main)}
    # «should have been watching» is said of somebody who does.
    been = been and not lower(words, main).endswith("ing")
    return (been and lower(words, main) not in HINDSIGHT_PASSIVES) or (
        not been and lower(words, main) not in PREVENTIONS | DILIGENCE | _DECISIONS
    )


# What nobody but people decide to do.
_DECISIONS = frozenset({"merged", "approved", "pushed", "agreed", "signed", "announced", "insisted", "hired"})


def _prevented(words: Words, at: int) -> bool:
    main = participle(words, at)
    if "been" in {lower(words, i) for i in range(at, main)}:
        return lower(words, main) in COMPARATIVES
    ahead = {lower(words, i) for i in range(main, min(main + 7, len(words)))}
    return lower(words, main) in PREVENTIONS | (DILIGENCE - {"taken", "read", "taking"}) or bool(
        ahead & (COMPARATIVES - {"more"})
    )


def _sooner(words: Words, at: int) -> bool:
    """«it could have been noticed earlier»."""
    main = participle(words, at)
    return (
        "been" in {lower(words, i) for i in range(at, main)}
        and lower(words, main) in HINDSIGHT_PASSIVES
        and lower(words, main + 1) in ("earlier", "sooner", "faster", "quicker")
    )


def _by_people(words: Words, at: int) -> bool:
    """«a check by the deployer would have prevented this»."""
    if lower(words, participle(words, at)) not in PREVENTIONS | {"shortened", "saved", "spared", "limited"}:
        return False
    return any(
        lower(words, back) == "by" and phrase_after(words, back + 1).who in PEOPLE for back in range(max(0, at - 8), at)
    )


def _by_care(words: Words, at: int) -> bool:
    """«could have been prevented by a conversation», «caught with a bit of care»."""
    main = participle(words, at)
    if lower(words, main) not in PREVENTIONS:
        return False
    for place in range(main + 1, min(main + 4, len(words))):
        if lower(words, place) in ("by", "with", "if"):
            return any(lower(words, i) in _CARE_TAKEN for i in range(place + 1, min(place + 6, len(words))))
    return False


_CARE_TAKEN = word_set("""
    conversation call look glance question care attention diligence communication planning reading asking talking
    checking looking discipline vigilance thought effort
""")


def _easily_avoided(words: Words, at: int) -> bool:
    main = participle(words, at)
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
        return Hit("counterfactual", at, rest_of_clause(words, at))
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
    return Hit("counterfactual", at, rest_of_clause(words, at))
