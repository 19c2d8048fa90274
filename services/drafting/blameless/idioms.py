"""Turns of speech about people: asleep, in a hurry, no idea, brushed it aside, left it open, did it anyway.

A pattern begins with the verb whose subject is asked for. `|` parts words of which one stands there, `*` is up to three
words, adverbs may stand anywhere. A verb in square brackets stands for each of its forms.
"""

from functools import cache

from services.drafting.blameless.people import PEOPLE, Who
from services.drafting.blameless.subjects import Phrase, mentions_people_before, subject
from services.drafting.blameless.tokens import NEGATIONS, Words, is_adverb, lower
from services.drafting.blameless.verbs import forms

_GAP = 3
_ANY = frozenset({"*"})
_TO_BE = "was|were|is|are|been|being|fell|got|stayed|remained|seemed"

_OMITTED = """
    [leave] * open|unattended|unprotected|undone|unfinished|unlocked|unbounded|undocumented|unguarded|unpatched|exposed
    [leave] * hanging|half|unanswered|unmonitored|unsecured|untested|in place|to chance
    [leave] * to fend|alone
    [go] home|away|out|off before|while|instead|without|during
    [walk] off|away before|without|while
    [leave] no|little documentation|room|notes|note|trace|record|handover|instructions|comments
    [take] no|little|insufficient action|actions|steps|step|measures|interest
    [take] no|little|insufficient responsibility|ownership|notice|precautions|precaution|care
    [take] his|her|their eyes|eye|foot
    [make] no|little effort|attempt
    [pay] no|little|scant|insufficient attention|heed|regard
    [give] no|little|insufficient warning|notice|thought|regard|explanation|heads-up|consideration
    [say] nothing
    [tell|inform|ask|warn|notify] nobody
    [tell|inform|ask|warn|notify] no one
    [do] nothing|little
    [sit|stand] idle|by|idly
    [sit|sleep] on it|this|that
    [sit|sleep] on the|a ticket|issue|report|request|alert|page|fix|change|pr|warning|problem
    [look] the other
    [turn] a blind|deaf
    [drag] his|her|its|their feet
    [drop] the ball
    [let] * guard down
    [let] * down
    [have] only|nobody|no himself|herself|themselves|ourselves|one to|else
    [let] * slide|slip|rot|lapse|expire|fester
    [let] * build|pile|fill|run up|out
    [fall] behind on|with
    [lose] track|sight|control|interest of|in
    [hang] up on
    [walk] away|off from|during|in
"""
_DISMISSED = """
    [brush] * aside|off|away
    [wave] * through|away|off
    [shrug] * off
    [sweep] * under
    [explain] * away
    [play] * down
    [laugh] * off
    [nod] * through
    [write] * off as
    rubber-stamped|rubberstamped|rubber-stamp
    [keep] * to himself|herself|themselves|themself
    [carry|go|press|push|plough|forge] on|ahead anyway|regardless
    [carry|go|press|push|plough|forge] on|ahead despite|against
    [do] it|so anyway|regardless
    [choose|decide|prefer|opt|elect] to ignore|skip|bypass|disregard|dismiss|gamble|overlook
    [choose|decide|prefer|opt|elect] not to check|test|ask|read|tell|inform|escalate|verify|follow|review|listen
    [choose|decide] to do nothing
    [refuse|decline] to give|grant|help|follow|fund|share|listen|answer|wait|test|check|review|escalate|roll|approve|act
    [refuse|decline] to cooperate|hand|accept|acknowledge|believe|change|upgrade|read|respond|join|talk|pay|stop
    [insist] on deploying|shipping|skipping|releasing|going|doing|keeping|pushing|ignoring|merging|running
    [insist] on the|that release|date|deadline|launch
    [fail] in|of his|her|their|its duty|duties|obligation
    [fail] his|her|its|their|our|the customers|users|team|duty
"""
_STATES = """
    {be} asleep|sleeping|napping|distracted|overconfident|oblivious|absent-minded|clueless|complacent|careless
    {be} in|under a|too|denial hurry|much|rush|hurry|panic
    {be} in denial
    {be} too|so busy|tired|slow|late|lazy|junior|inexperienced|hasty|eager|proud|stubborn|cautious|optimistic|confident
    {be} slow|reluctant|unwilling|hesitant|loath to|in|about
    {be} * warned|told twice|repeatedly|times
    {be} asleep at
    {be} nowhere to
    {be} unreachable|unresponsive|unprepared|untrained|unqualified
    {be} caught off|napping|unprepared
    {be} not|hardly|barely up|paying to|attention
    {be} incapable|ignorant of
    {be} out of depth|line
    {be} sloppy|lax|cavalier|casual|careless|lazy about|with|in
    {be} careless|lazy
    {be} late|slow|careless|lazy|sloppy|unprepared|unaware and
    {be} eager|impatient to get|leave|go|finish|ship
    [have] no|little idea|clue|understanding|grasp|business|regard|interest|excuse
    [have] the|a|no bad|sense|habit of|to
    [lack] the|any|basic|* knowledge|skill|skills|understanding|experience|discipline|training|care|foresight|judgement
    [know] nothing about|of
    slept|dozed through|off
"""
_MUDDLED = """
    [jump|leap|rush] to conclusions|conclusion
    [get] * wrong
    [get] confused|complacent|distracted|careless|sloppy|lazy
    [mix] * up
    [mix] up
    [swap] up
    [lock] himself|herself|themselves|themself|ourselves out
    [talk] past
    [argue|bicker|quarrel] over|about|in|instead|with|among
    [fight|squabble] over|about|among
    [chase] the|a wrong
    [waste] * minutes|hours|time|hour|day|days
    [cut] corners|corners.
    [wing|fudge|fake|hide|conceal] it|the|this|that|from
    hid|concealed|withheld|covered * from|up
    blindly|blithely trusted|followed|applied|ran|copied|accepted|pasted
    [keep] breaking|ignoring|forgetting|missing|skipping|making|failing|causing|postponing|deferring|pushing
    [keep] retrying|trying|repeating|running * same|broken|wrong
    [put] off
    [make] a|the|an|several|* wrong|poor|bad|questionable|terrible call|choice|decision|decisions|choices|assumption
    [make] things|it|matters worse
    [make] a mess|hash|muddle of
    [get] tunnel vision
    [get] carried away
    [treat|regard|dismiss] * as noise|harmless|spurious|unimportant
    [take] forever|ages
    [take] far|way|much too
    [take] too|so long|much
    [react|respond|act|notice|escalate|begin|wait] too|so late|slowly|long
    [pass] the buck
    [point] fingers|the finger
    [give|get] * runaround|bad|wrong|misleading advice|information
    [give|get] the|us * runaround
    [give] * wrong|misleading|bad advice|information|command|instructions|answer
    [play] with|around * fire|production|prod
    [merge|deploy|release|ship|push] * over|through|despite|onto * red|failing|broken
    [give] up|in too
    [bite] off more
    [push|rush|force] * out|through
"""


def _choices(word: str) -> frozenset[str]:
    if word.startswith("["):
        return forms(word[1:-1].replace("|", " ")) | ({"has"} if word == "[have]" else set())
    return frozenset((_TO_BE if word == "{be}" else word).split("|"))


@cache
def _patterns() -> tuple[tuple[frozenset[str], ...], ...]:
    lines = "".join((_OMITTED, _DISMISSED, _STATES, _MUDDLED)).splitlines()
    return tuple(tuple(_choices(word) for word in line.split()) for line in lines if line.strip())


@cache
def _by_first_word() -> dict[str, tuple[tuple[frozenset[str], ...], ...]]:
    first: dict[str, list[tuple[frozenset[str], ...]]] = {}
    for pattern in _patterns():
        for word in pattern[0]:
            first.setdefault(word, []).append(pattern)
    return {word: tuple(those) for word, those in first.items()}


def idiom(words: Words, at: int) -> Phrase | None:
    """A turn of speech about people, with people for its subject."""
    patterns = _by_first_word().get(lower(words, at), ())
    if not patterns or lower(words, at - 1) in NEGATIONS:
        return None
    if not any(_matches(words, at + 1, pattern[1:]) for pattern in patterns):
        return None
    found = subject(words, at)
    if found.who is Who.THEY and mentions_people_before(words, found.start):
        return found
    return found if found.who in PEOPLE else None


def _matches(words: Words, place: int, pattern: tuple[frozenset[str], ...]) -> bool:
    if not pattern:
        return True
    if pattern[0] == _ANY:
        return any(_matches(words, place + skipped, pattern[1:]) for skipped in range(_GAP + 1))
    while place < len(words) and is_adverb(words[place]) and lower(words, place) not in pattern[0]:
        place += 1
    return lower(words, place) in pattern[0] and _matches(words, place + 1, pattern[1:])
