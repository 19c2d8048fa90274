"""What is said of people's conduct: they took too long, dropped the table, let the certificate expire."""

from services.drafting.blameless.clauses import rest_of_clause
from services.drafting.blameless.people import PEOPLE, Who
from services.drafting.blameless.subjects import Phrase, phrase_after, subject
from services.drafting.blameless.tokens import NEGATIONS, Words, is_adverb, lower
from services.drafting.blameless.word_sets import word_set

_DESTROYS = word_set("""
    dropped deleted wiped erased truncated destroyed purged removed unplugged pulled shut took brought knocked rebooted
    restarted overwrote
""")
_DESTROYED = word_set("""
    table tables database databases backup backups production prod records data bucket namespace primary cable
""")
# What was in the way is taken away on purpose.
_ON_PURPOSE = word_set("""
    stuck stale old unused corrupted corrupt orphaned duplicate duplicated temporary temp test failing failed failover
    bad broken affected faulty unhealthy misbehaving offending obsolete expired pending empty restored recreated
    rebuilt replaced planned scheduled maintenance safely new extra manually switched promoted restored
""")
_PRECIOUS = word_set("good only last latest")
_LIVE = word_set("production prod live primary main master wrong everyone everybody all whole entire other")
_FADES = word_set("""
    expire lapse slip fill overflow grow run drift happen go rot pile fester age escalate continue down through
""")


def inattention(words: Words, at: int) -> Phrase | None:
    """«somebody not paying attention», «were not paying attention»."""
    if lower(words, at) not in ("paying", "pay") or lower(words, at + 1) not in ("attention", "enough", "any"):
        return None
    before = {lower(words, back) for back in range(max(0, at - 3), at)}
    return Phrase(Who.PERSON, at, at) if before & NEGATIONS else None


def too_long(words: Words, at: int) -> Phrase | None:
    """«it took the responders far too long to»."""
    if lower(words, at) != "too" or lower(words, at + 1) != "long":
        return None
    for back in range(at - 1, max(-1, at - 8), -1):
        if lower(words, back) in ("took", "take", "taken"):
            found = subject(words, back) if back >= at - 2 else phrase_after(words, back + 1)
            return found if found.who in PEOPLE else None
    return None


def even(words: Words, at: int) -> Phrase | None:
    """«it took the on-call 40 minutes to even open a laptop»."""
    if lower(words, at) not in ("took", "take", "taken") or lower(words, at - 1) not in ("it", "had", "would"):
        return None
    end = rest_of_clause(words, at)
    is_even = any(
        lower(words, i) == "to" and lower(words, i + 1) in ("even", "finally", "bother") for i in range(at, end)
    )
    if not is_even:
        return None
    is_person = any(phrase_after(words[: at + 1 + n], at + 1).who in PEOPLE for n in range(1, 5))
    return Phrase(Who.PERSON, at, at) if is_person else None


def destruction(words: Words, at: int) -> Phrase | None:
    """«the intern dropped the customers table», «took down the primary»; not «deleted the stuck pods»."""
    verb = lower(words, at)
    if verb not in _DESTROYS or lower(words, at - 1) in ("was", "were", "been", "is", "are", "being", "then", "safely"):
        return None
    ahead = [lower(words, i) for i in range(at + 1, min(at + 7, len(words)))]
    near = set(ahead[:6])
    clause = {lower(words, i) for i in range(at, rest_of_clause(words, at))}
    if (clause | set(ahead)) & _ON_PURPOSE and not near & _PRECIOUS:
        return None
    is_down = verb in ("took", "brought", "knocked", "shut")
    if is_down and not near & {"down", "out", "offline", "off"}:
        return None
    if verb in ("rebooted", "restarted", "removed", "pulled", "unplugged") and not near & {"wrong", "live", "cable"}:
        return None
    if not near & _DESTROYED and not (is_down and near & _LIVE):
        return None
    found = subject(words, at)
    return found if found.who is Who.PERSON else None


def instead(words: Words, at: int) -> Phrase | None:
    """«applied the change to production instead of staging»."""
    if lower(words, at) != "instead" or lower(words, at + 1) != "of":
        return None
    before = [lower(words, back) for back in range(max(0, at - 5), at)]
    after = [lower(words, i) for i in range(at + 2, min(at + 7, len(words)))]
    if not (set(before) & {"production", "prod", "live", "primary", "main", "master"}) or not (
        set(after) & {"staging", "test", "testing", "dev", "development", "sandbox", "replica", "secondary", "qa"}
    ):
        return None
    found = _leftmost(words, at)
    return found if found.who is Who.PERSON else None


def allowed(words: Words, at: int) -> Phrase | None:
    """«our team let the certificate expire»."""
    if lower(words, at) not in ("let", "allowed") or lower(words, at - 1) in ("was", "were", "been", "to"):
        return None
    ahead = {lower(words, i) for i in range(at + 1, min(at + 7, len(words)))}
    found = subject(words, at)
    is_decay = bool(ahead & (_FADES - {"down", "through", "go", "run", "continue", "happen", "grow"}))
    return found if is_decay and found.who in PEOPLE else None


def whoever(words: Words, at: int) -> Phrase | None:
    """«Whoever wrote this»; «whoever is on call» is a role."""
    if lower(words, at) != "whoever":
        return None
    verb = at + 1
    while verb < len(words) and is_adverb(words[verb]):
        verb += 1
    is_past = lower(words, verb).endswith("ed") or lower(words, verb) in ("wrote", "did", "made", "ran", "set", "built")
    return Phrase(Who.PERSON, at, at) if is_past else None


def _leftmost(words: Words, end: int) -> Phrase:
    """The subject of the first verb of the sentence."""
    for at in range(1, end):
        if lower(words, at).endswith("ed") or lower(words, at) in ("ran", "set", "put", "sent", "wrote", "typed"):
            return subject(words, at)
    return Phrase(Who.UNKNOWN, 0, 0)
