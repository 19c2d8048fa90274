"""Secrets and personal data out of text, before it is stored.

`Redactor.text` replaces what a rule finds by a placeholder that names the kind, `[redacted:email]`: always the same, so
that log lines with different secrets still make one pattern. The forms of tokens are those that their issuers publish
and that gitleaks' rules (MIT) list; card numbers must pass Luhn's check. Trace ids, UUIDs, hashes and versions are no
secrets and stay. Every expression has bounded repetitions without nesting, so that none can backtrack for long; and a
text without any of the tell-tale pieces is let through after one scan.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """What is redacted: `group` of each match that `accepts`, if given, does not turn away.

    hint: a piece of text, lower case, without which there can be no match; empty where there is none.
    """

    kind: str
    pattern: re.Pattern[str]
    hint: tuple[str, ...]
    group: int = 0
    accepts: Callable[[str], bool] | None = None


def placeholder(kind: str) -> str:
    """What stands in the place of a secret."""
    return f"[redacted:{kind}]"


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
                        "mismatch"})
_KEY_WORDS = (r"(?:password|passwd|pwd|passphrase|secret|client[_.-]?secret|api[_.-]?key|apikey|access[_.-]?key|"
              r"secret[_.-]?key|private[_.-]?key|auth[_.-]?token|access[_.-]?token|refresh[_.-]?token|id[_.-]?token|"
              r"session[_.-]?token|token|credentials?|encryption[_.-]?key|signing[_.-]?key|account[_.-]?key|"
              r"shared[_.-]?access[_.-]?key|session[_.-]?id|sessionid|jsessionid|phpsessid|csrf[_.-]?token|xsrf[_.-]?token)")


def _rule(kind: str, pattern: str, *hint: str, group: int = 0, flags: int = 0,
          accepts: Callable[[str], bool] | None = None) -> Rule:
    return Rule(kind, re.compile(pattern, flags), hint, group, accepts)


# In this order: what is surest and longest first, so that a later rule sees the placeholder of an earlier one.
RULES: tuple[Rule, ...] = (
    _rule("private-key", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,16000}?"
                         r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)", "private key"),
    _rule("jwt", r"\beyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{4,8000}\.?[A-Za-z0-9_-]{0,2000}", "eyj"),
    _rule("connection-string", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s:/@'\"]{0,128}:([^\s/@'\"]{1,256})@", "://",
          group=1, accepts=_is_value),
    _rule("cookie", r"(?i)\b(?:set-)?cookie['\"]?\s{0,3}[:=]\s{0,3}([^\r\n]{1,4000})", "cookie", group=1,
          accepts=_is_value),
    _rule("authorization", r"(?i)\bauthorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?"
                           r"((?:(?:bearer|basic|digest|token|negotiate|aws4-hmac-sha256)\s{1,3})?[^\s,'\"]{4,4000})",
          "authorization", group=1, accepts=_is_value),
    _rule("authorization", r"\b(?i:bearer)\s{1,3}([A-Za-z0-9_~+/.=-]{16,4000})", "bearer", group=1),
    _rule("authorization", r"\b(?i:basic)\s{1,3}([A-Za-z0-9+/]{16,2000}={0,2})(?![A-Za-z0-9+/])", "basic", group=1,
          accepts=lambda text: bool(re.search(r"[0-9A-Z]", text))),
    _rule("aws-access-key", r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])",
          "akia", "asia", "abia", "acca", "a3t"),
    _rule("token", r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|"
                   r"glpat-[A-Za-z0-9_-]{20,60}|gl(?:rt|dt|ft|ptt|soat|cbt|agent)-[A-Za-z0-9_-]{20,60})",
          "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "gl"),
    _rule("token", r"(?<![A-Za-z0-9])xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,250}|\bxapp-\d-[A-Za-z0-9-]{10,250}",
          "xox", "xapp-"),
    _rule("webhook-url", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,120})",
          "hooks.slack.com", group=1),
    _rule("token", r"(?<![A-Za-z0-9])(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,255}",
          "_live_", "_test_", "_prod_"),
    _rule("token", r"(?<![A-Za-z0-9])sk-(?:ant-|proj-|svcacct-|admin-|or-)?[A-Za-z0-9_-]{20,255}", "sk-",
          accepts=lambda text: bool(re.search(r"\d", text) and re.search(r"[A-Za-z]", text[3:]))),
    _rule("token", r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])|"
                   r"(?<![A-Za-z0-9])ya29\.[A-Za-z0-9_-]{20,400}|\bGOCSPX-[A-Za-z0-9_-]{28}",
          "aiza", "ya29.", "gocspx-"),
    _rule("token", r"(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,1000}|dop_v1_[a-f0-9]{64}|"
                   r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}|hv[sbr]\.[A-Za-z0-9_-]{20,300}|hf_[A-Za-z]{30,60}|"
                   r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|NRAK-[A-Z0-9]{27}|dapi[a-f0-9]{32}|glc_[A-Za-z0-9+/]{32,400}|"
                   r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|lin_api_[A-Za-z0-9]{40}|"
                   r"ATATT3[A-Za-z0-9_=-]{100,250}|EAACEdEose0cBA[A-Za-z0-9]{10,300}|AGE-SECRET-KEY-1[A-Z0-9]{58})",
          "npm_", "pypi-", "dop_v1_", "sg.", "hvs.", "hvb.", "hvr.", "hf_", "shp", "nrak-", "dapi", "glc_", "glsa_",
          "pmak-", "lin_api_", "atatt3", "eaacedeose0cba", "age-secret-key-1"),
    _rule("token", r"(?<![\d:])\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])", ":aa"),
    _rule("secret", rf"(?i)(?<![A-Za-z0-9]){_KEY_WORDS}['\"]?\s{{0,3}}(?:=>|:=|[:=])\s{{0,3}}"
                    r"(\"[^\"\r\n]{1,1000}\"|'[^'\r\n]{1,1000}'|[^\s,;&'\"(){}\[\]<>]{3,1000})",
          "pass", "pwd", "secret", "key", "token", "credential", "sess", group=1,
          accepts=lambda text: _is_value(text.strip("'\""))),
    _rule("secret", rf"(?i)(?<![A-Za-z0-9])[a-z0-9]{{1,30}}[_.-]{_KEY_WORDS}['\"]?\s{{0,3}}(?:=>|:=|[:=])\s{{0,3}}"
                    r"(\"[^\"\r\n]{1,1000}\"|'[^'\r\n]{1,1000}'|[^\s,;&'\"(){}\[\]<>]{3,1000})",
          "pass", "pwd", "secret", "key", "token", "credential", "sess", group=1,
          accepts=lambda text: _is_value(text.strip("'\""))),
    _rule("secret", r"(?i)(?:\s|^)--?(?:password|passwd|secret|token|api-?key)[ =](\S{3,500})",
          "password", "passwd", "secret", "token", "key", group=1, accepts=_is_value),
    _rule("email", r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@"
                   r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])",
          "@"),
    _rule("card", r"(?<![\w.:/#-])(?:\d{13,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|"
                  r"3\d{3}[ -]\d{6}[ -]\d{5})(?![\w.:-])", "",
          accepts=luhn),
    _rule("phone", r"(?<![\w+.:/-])\+[1-9]\d{0,2}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}(?![\w:-])", "+",
          accepts=lambda text: 9 <= sum(each.isdigit() for each in text) <= 15),
    _rule("phone", r"(?<![\w.+:/-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w.:-])", ""),
    _rule("ssn", r"(?<![\w.:/-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w.:-])", ""),
)
# Attributes whose value is a secret whatever it looks like.
_SECRET_NAME = re.compile(rf"(?i)(?:^|[._-]){_KEY_WORDS}$|(?:^|\.)(?:authorization|cookie|set-cookie|x-api-key|"
                          r"proxy-authorization)$|db\.connection_string$")
# Ends with a word of the list above, and is none.
_NO_SECRET_NAME = re.compile(r"(?i)(?:token[_.]?(?:count|type|usage)|partition[_.-]?key|routing[_.-]?key|"
                             r"cache[_.-]?key|public[_.-]?key|primary[_.-]?key|(?:input|output|total|prompt|completion)[_.]?tokens?)$")
# What rules without a hint need: cards and telephone numbers.
_DIGITS = (r"\d{13}", r"\d{4}[ -]\d{4}[ -]\d{4}", r"3\d{3}[ -]\d{6}", r"\+[1-9]", r"\d{3}[-.)] ?\d{3}[-.]\d{4}",
           r"\d{3}-\d{2}-\d{4}")
_LONGEST = 65_536


class Redactor:
    """Redacts with the rules, less what a team allows and more what it denies.

    allow: texts that stay even where a rule finds them. deny: names of attributes whose values always go.
    """

    def __init__(self, *, allow: Iterable[str] = (), deny: Iterable[str] = (), rules: Iterable[Rule] = RULES) -> None:
        self._allow = frozenset(allow)
        self._deny = frozenset(name.lower() for name in deny)
        self._rules = tuple(rules)
        self._names: dict[str, bool] = {}
        hints = sorted({re.escape(hint) for rule in self._rules for hint in rule.hint if hint})
        # One scan tells whether any rule could match.
        self._suspicion = re.compile("|".join([*(hint for hint in hints if hint != r"\+"), *_DIGITS]))

    def text(self, text: str) -> str:
        """`text` without secrets and personal data; what is longer than 64 Ki characters is cut there first."""
        if len(text) > _LONGEST:
            text = text[:_LONGEST]
        lower = text.lower()
        if not self._suspicion.search(lower):
            return text
        for rule in self._rules:
            if not rule.hint[0] or any(hint in lower for hint in rule.hint):
                text = self._apply(rule, text)
        return text

    def attribute(self, name: str, value: str) -> str:
        """The value of an attribute: gone altogether when its name says that it is a secret."""
        is_secret = self._names.get(name)
        if is_secret is None:
            if len(self._names) > 10_000:
                self._names.clear()
            is_secret = self._names[name] = name.lower() in self._deny or (
                bool(_SECRET_NAME.search(name)) and not _NO_SECRET_NAME.search(name))
        if is_secret and value and value not in self._allow:
            return placeholder("secret")
        return self.text(value) if len(value) > 5 else value

    def _apply(self, rule: Rule, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            found = match[rule.group]
            if found in self._allow or found.startswith("[redacted:") or (rule.accepts and not rule.accepts(found)):
                return match[0]
            begin, end = match.start(rule.group) - match.start(), match.end(rule.group) - match.start()
            return match[0][:begin] + placeholder(rule.kind) + match[0][end:]
        return rule.pattern.sub(replace, text)
