"""What is a secret or says who somebody is, by the form in which people and issuers write it.

The forms of tokens are those that their issuers publish and that gitleaks' rules (MIT) list; card numbers must pass
Luhn's check. Trace ids, UUIDs, hashes and versions are no secrets. Every expression has bounded repetitions without
nesting, so that none can backtrack for long.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """What is redacted: `group` of each match that `accepts`, if given, does not turn away.

    sign: RE2's expression, without regard to case, for what stands in everything that `pattern` matches. It is what
    all texts are scanned for, in time linear in the text; the pattern is for the few that have it.
    """

    kind: str
    pattern: re.Pattern[str]
    sign: str
    group: int = 0
    accepts: Callable[[str], bool] | None = None


def luhn(text: str) -> bool:
    """Whether the digits of `text` are a card number: 13 to 19 of them, a known first digit, the check digit right."""
    digits = [int(each) for each in text if each.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * each, 10)) for each in digits[-2::-2])
    return total % 10 == 0


def _is_value(text: str) -> bool:
    """Whether what follows `password=` is a value, not a word about it or a placeholder."""
    return text.lower() not in _NO_VALUES and not text.startswith(("[redacted", "${", "{{", "<", "***", "%(", "$("))


_NO_VALUES = frozenset({"true", "false", "null", "none", "nil", "undefined", "yes", "no", "required", "missing",
                        "invalid", "expired", "incorrect", "wrong", "empty", "is", "was", "not", "failed", "error",
                        "ok", "string", "bearer", "basic", "refresh", "authentication", "for", "the", "count", "in",
                        "has", "and", "or", "changed", "reset", "updated", "accepted", "denied", "rejected",
                        "mismatch", "token"})
_KEY_WORDS = (r"(?:password|passwd|pwd|passphrase|secret|client[_.-]?secret|api[_.-]?key|apikey|access[_.-]?key|"
              r"secret[_.-]?key|private[_.-]?key|auth[_.-]?token|access[_.-]?token|refresh[_.-]?token|id[_.-]?token|"
              r"session[_.-]?token|token|credentials?|encryption[_.-]?key|signing[_.-]?key|account[_.-]?key|"
              r"shared[_.-]?access[_.-]?key|session[_.-]?id|sessionid|jsessionid|phpsessid|csrf[_.-]?token|xsrf[_.-]?token)")


def _rule(kind: str, pattern: str, sign: str, *, group: int = 0,
          accepts: Callable[[str], bool] | None = None) -> Rule:
    return Rule(kind, re.compile(pattern), sign, group, accepts)


_ASSIGNED = r"['\"]?\s{0,3}(?:=>|:=|[:=])\s{0,3}"
_VALUE = r"(\"[^\"\r\n]{1,1000}\"|'[^'\r\n]{1,1000}'|[^\s,;&'\"(){}\[\]<>]{3,1000})"
_WORD_SIGN = (r"(?:password|passwd|pwd|passphrase|secret|key|token|credentials?|session[_.-]?id|sessid)"
              r"['\"]?\s{0,3}[:=]")

# In this order: what is surest and longest first, so that a later rule sees the placeholder of an earlier one.
RULES: tuple[Rule, ...] = (
    _rule("private-key", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){0,65536}+"
                         r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?", "private key"),
    _rule("jwt", r"\beyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{4,8000}\.?[A-Za-z0-9_-]{0,2000}",
          r"eyj[a-z0-9_-]{10}"),
    # A password may hold an @ that nobody escaped: the last one is the separator.
    _rule("connection-string", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s:/@'\"\[]{0,128}:([^\s/'\"]{1,256})@",
          r"://[^\s:/@'\"]{0,128}:[^\s/'\"]{1,256}@", group=1, accepts=_is_value),
    _rule("token", r"\bhttps?://([A-Za-z0-9_-]{20,256})@", r"://[a-z0-9_-]{20,256}@", group=1),
    _rule("cookie", r"(?i)\b(?:set-)?cookie['\"]?\s{0,3}[:=]\s{0,3}([^\r\n]{1,4000})", r"cookie['\"]?\s{0,3}[:=]",
          group=1, accepts=_is_value),
    _rule("authorization", r"(?i)\bauthorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?"
                           r"((?:(?:bearer|basic|digest|token|negotiate|aws4-hmac-sha256)\s{1,3})?[^\s,'\"]{4,4000})",
          r"authorization['\"]?\s{0,3}[:=]", group=1, accepts=_is_value),
    _rule("authorization", r"\b(?i:bearer)\s{1,3}([A-Za-z0-9_~+/.=-]{16,4000})", r"bearer\s{1,3}[a-z0-9_~+/.=-]{16}",
          group=1),
    _rule("authorization", r"\b(?i:basic)\s{1,3}([A-Za-z0-9+/]{16,2000}={0,2})(?![A-Za-z0-9+/])",
          r"basic\s{1,3}[a-z0-9+/]{16}", group=1, accepts=lambda text: bool(re.search(r"[0-9A-Z]", text))),
    _rule("aws-access-key", r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])",
          r"(?:akia|asia|abia|acca|a3t[a-z0-9])[a-z0-9]{16}"),
    _rule("token", r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|"
                   r"glpat-[A-Za-z0-9_-]{20,60}|gl(?:rt|dt|ft|ptt|soat|cbt|agent)-[A-Za-z0-9_-]{20,60})",
          r"gh[pousr]_[a-z0-9]{36}|github_pat_|gl[a-z]{2,5}-[a-z0-9_-]{20}"),
    _rule("token", r"(?<![A-Za-z0-9])xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,250}|\bxapp-\d-[A-Za-z0-9-]{10,250}",
          r"xox[abeoprs]|xapp-\d-"),
    _rule("webhook-url", r"https://(?:hooks\.slack\.com/(?:services|workflows|triggers)|"
                         r"discord(?:app)?\.com/api/webhooks|[a-z0-9.-]{1,60}\.webhook\.office\.com/webhookb2)/"
                         r"([A-Za-z0-9+/@_-]{20,300})", r"hooks\.slack\.com|/api/webhooks/|webhookb2", group=1),
    _rule("token", r"(?<![A-Za-z0-9])(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,255}",
          r"[srp]k_(?:live|test|prod)_"),
    _rule("token", r"(?<![A-Za-z0-9])sk-(?:ant-|proj-|svcacct-|admin-|or-)?[A-Za-z0-9_-]{20,255}",
          r"sk-[a-z0-9_-]{20}",
          accepts=lambda text: bool(re.search(r"\d", text) and re.search(r"[A-Za-z]", text[3:]))),
    _rule("token", r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])|"
                   r"(?<![A-Za-z0-9])ya29\.[A-Za-z0-9_-]{20,400}|\bGOCSPX-[A-Za-z0-9_-]{28}",
          r"aiza[a-z0-9_-]{35}|ya29\.|gocspx-"),
    _rule("token", r"(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,1000}|dop_v1_[a-f0-9]{64}|"
                   r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}|hv[sbr]\.[A-Za-z0-9_-]{20,300}|hf_[A-Za-z]{30,60}|"
                   r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|NRAK-[A-Z0-9]{27}|dapi[a-f0-9]{32}|glc_[A-Za-z0-9+/]{32,400}|"
                   r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|lin_api_[A-Za-z0-9]{40}|"
                   r"ATATT3[A-Za-z0-9_=-]{100,250}|EAACEdEose0cBA[A-Za-z0-9]{10,300}|AGE-SECRET-KEY-1[A-Z0-9]{58})",
          r"npm_[a-z0-9]{36}|pypi-[a-z0-9_-]{50}|dop_v1_|sg\.[a-z0-9_-]{16}|hv[sbr]\.[a-z0-9_-]{20}|hf_[a-z]{30}|"
          r"shp(?:at|ca|pa|ss)_|nrak-|dapi[a-f0-9]{32}|glc_|glsa_|pmak-|lin_api_|atatt3|eaacedeose0cba|"
          r"age-secret-key-1"),
    _rule("token", r"(?<![A-Za-z0-9_])(?:whsec_[A-Za-z0-9+/=]{24,100}|do[or]_v1_[a-f0-9]{64}|"
                   r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,60}|sntry[su]_[A-Za-z0-9+/=_-]{40,300}|figd_[A-Za-z0-9_-]{36,60}|ntn_[A-Za-z0-9]{40,60}|"
                   r"rubygems_[a-f0-9]{48}|gsk_[A-Za-z0-9]{40,80}|xai-[A-Za-z0-9]{60,120}|pplx-[A-Za-z0-9]{40,80}|"
                   r"r8_[A-Za-z0-9]{37}|tskey-[a-z]{2,12}-[A-Za-z0-9]{8,40}-[A-Za-z0-9]{16,64}|"
                   r"sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,60}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,80}|"
                   r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_.=-]{32,64}|dt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}|"
                   r"CCIPAT_[A-Za-z0-9]{10,40}_[a-f0-9]{40}|bkua_[a-f0-9]{40}|HRKU-[A-Za-z0-9_-]{36,80}|"
                   r"ops_eyJ[A-Za-z0-9_-]{100,2000}={0,2}|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}|EAAA[a-zA-Z0-9_-]{60}|"
                   r"key-[a-f0-9]{32}|[a-f0-9]{32}-us\d{1,2}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}|"
                   r"vc[pkria]_[A-Za-z0-9]{24,80}|LTAI[A-Za-z0-9]{17,21}|pul-[a-f0-9]{40}|phc_[A-Za-z0-9]{40,50}|"
                   r"fo1_[A-Za-z0-9_-]{43})(?![A-Za-z0-9_])",
          r"whsec_|do[or]_v1_|dckr_|sntry[su]_|figd_|ntn_|rubygems_|gsk_|xai-|pplx-|r8_|tskey-|sbp_|sb_secret_|"
          r"dp\.(?:pt|st|ct|sa|scim|audit)\.|pscale_|dt0[a-z]\d{2}\.|ccipat_|bkua_|hrku-|ops_eyj|sq0(?:atp|csp)-|eaaa|"
          r"key-[a-f0-9]{32}|[a-f0-9]{32}-us\d|atlasv1|vc[pkria]_|ltai|pul-|phc_|fo1_"),
    # Discord's bots; Azure's application secrets.
    _rule("token", r"(?<![A-Za-z0-9_.-])[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"
                   r"(?![A-Za-z0-9_.-])",
          r"[mno][a-z0-9_-]{23,27}\.[a-z0-9_-]{6}\.[a-z0-9_-]{27}",
          accepts=lambda text: all(re.search(kind, text) for kind in (r"\d", r"[A-Z]", r"[a-z]"))),
    _rule("token", r"(?<![A-Za-z0-9_.~-])[A-Za-z0-9_.~-]{3}\dQ~[A-Za-z0-9_.~-]{31,34}(?![A-Za-z0-9_.~-])",
          r"\dq~[a-z0-9_.~-]{31}"),
    _rule("token", r"(?<![\d:])\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])", r"\d{8}:aa[a-z0-9_-]{33}"),
    # A signed URL opens what it points at.
    _rule("signature", r"(?i)[?&](?:sig|signature|x-amz-signature|x-goog-signature)=([^&\s'\"]{16,2000})",
          r"[?&](?:sig|signature|x-amz-signature|x-goog-signature)=", group=1),
    _rule("secret", rf"(?i)(?<![A-Za-z0-9]){_KEY_WORDS}{_ASSIGNED}{_VALUE}", _WORD_SIGN, group=1,
          accepts=lambda text: _is_value(text.strip("'\""))),
    _rule("secret", rf"(?i)(?<![A-Za-z0-9])[a-z0-9]{{1,30}}[_.-]{_KEY_WORDS}{_ASSIGNED}{_VALUE}", _WORD_SIGN, group=1,
          accepts=lambda text: _is_value(text.strip("'\""))),
    # dbPassword, PGPASSWORD; but a page token is no secret.
    _rule("secret", rf"(?:[a-z0-9](?<![Pp]age)(?<![Nn]ext)(?<!tion)(?:Password|Passwd|Passphrase|Secret|Token|"
                    rf"ApiKey|AccessKey|SecretKey|PrivateKey)|[A-Z0-9](?:PASSWORD|PASSWD|SECRET|TOKEN|APIKEY)){_ASSIGNED}{_VALUE}",
          _WORD_SIGN, group=1, accepts=lambda text: _is_value(text.strip("'\""))),
    _rule("secret", r"(?i)(?:\s|^)--?(?:password|passwd|secret|token|api-?key)[ =](\S{3,500})",
          r"--?(?:password|passwd|secret|token|api-?key)[ =]", group=1, accepts=_is_value),
    _rule("email", r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@"
                   r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])", r"[a-z0-9._%+-]@[a-z0-9-]"),
    _rule("card", r"(?<![\w.:/#-])(?:\d{13,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|"
                  r"3\d{3}[ -]\d{6}[ -]\d{5})(?![\w.:-])", r"\d{13}|\d{4}[ -]\d{4}[ -]\d{4}|3\d{3}[ -]\d{6}",
          accepts=luhn),
    _rule("phone", r"(?<![\w+.:/-])\+[1-9]\d{0,2}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}(?![\w:-])",
          r"\+[1-9]\d{0,2}[ .-]?\(?\d", accepts=lambda text: 9 <= sum(each.isdigit() for each in text) <= 15),
    _rule("phone", r"(?<![\w.+:/-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w.:-])",
          r"\d{3}[-.)] ?\d{3}[-.]\d{4}"),
    _rule("ssn", r"(?<![\w.:/-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w.:-])", r"\d{3}-\d{2}-\d{4}"),
)
# Attributes whose value is a secret whatever it looks like.
_SECRET_NAME = re.compile(rf"(?i)(?:^|[._-]){_KEY_WORDS}$|(?:^|\.)(?:authorization|cookie|set-cookie|x-api-key|"
                          r"proxy-authorization)$|db\.connection_string$")
# Ends with a word of the list above, and is none.
_NO_SECRET_NAME = re.compile(r"(?i)(?:token[_.]?(?:count|type|usage)|partition[_.-]?key|routing[_.-]?key|"
                             r"cache[_.-]?key|public[_.-]?key|primary[_.-]?key|(?:input|output|total|prompt|completion)[_.]?tokens?)$")


def is_secret_name(name: str) -> bool:
    """Whether an attribute of this name is a secret whatever it looks like; `dbPassword` is read as `db_password`."""
    words = _HUMP.sub("_", name)
    return bool(_SECRET_NAME.search(words)) and not _NO_SECRET_NAME.search(words)


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
