"""No secret survives, and what only looks like one does."""

import random
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.redaction import Redactor, placeholder
from shared.redaction_rules import RULES, luhn

REDACTOR = Redactor()
# Built at run time: nobody's scanner should find a token in this file.
B36 = "".join(letter + digit for letter, digit in zip(string.ascii_letters, string.digits * 6, strict=False))


def token(prefix: str, length: int) -> str:
    return prefix + B36[:length]


LEAKS = [
    ("password=hunter2", "hunter2"),
    ("PGPASSWORD=hunter2 psql", "hunter2"),
    ("db_password: 'correct horse battery'", "correct horse battery"),
    ('{"dbPassword": "hunter2", "user": "app"}', "hunter2"),
    ("login --password hunter2 --verbose", "hunter2"),
    ("spring.datasource.password = hunter2", "hunter2"),
    ("clientSecret:=abcdef123", "abcdef123"),
    ("connect postgres://app:s3cr3t@db.internal/shop", "s3cr3t"),
    ("amqp://guest:p@ss!word@mq:5672/", "p@ss!word"),
    ("redis://:s3cr3t@cache:6379", "s3cr3t"),
    ("clone https://" + B36[:40] + "@git.example/shop.git", B36[:40]),
    ("Server=db;User Id=sa;Pwd=hunter2;", "hunter2"),
    ("AccountKey=" + B36[:44] + "==;EndpointSuffix=core", B36[:44]),
    ("Authorization: Bearer " + B36[:40], B36[:40]),
    ("authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
    ("sent header 'Bearer " + B36[:32] + "'", B36[:32]),
    ("Cookie: session=abc123; theme=dark", "abc123"),
    ("Set-Cookie: JSESSIONID=0A1B2C; Path=/", "0A1B2C"),
    ("key " + "AKIA" + "IOSFODNN7EXAMPLE" + " used", "IOSFODNN7EXAMPLE"),
    (token("ghp_", 36), B36[:36]),
    (token("glpat-", 20), B36[:20]),
    (token("xoxb-1234567890-", 24), B36[:24]),
    ("https://hooks.slack.com/services/T00000000/B00000000/" + B36[:24], B36[:24]),
    (token("sk_live_", 24), B36[:24]),
    (token("sk-proj-", 40), B36[:40]),
    (token("AIza", 35), B36[:35]),
    (token("npm_", 36), B36[:36]),
    (token("hvs.", 24), B36[:24]),
    (token("whsec_", 32), B36[:32]),
    (token("dckr_pat_", 27), B36[:27]),
    (token("gsk_", 52), B36[:52]),
    (token("ntn_", 46), B36[:46]),
    (token("tskey-auth-" + B36[:12] + "-", 32), B36[:32]),
    (token("sb_secret_", 31), B36[:31]),
    (token("dp.pt.", 43), B36[:43]),
    (token("figd_", 40), B36[:40]),
    ("key-" + "0a1b2c3d" * 4, "0a1b2c3d" * 4),
    ("0a1b2c3d" * 4 + "-us14", "0a1b2c3d" * 4),
    ("r8_" + B36[:37], B36[:37]),
    ("M" + B36[:25] + ".GxYz12." + B36[:38], B36[:38]),
    (B36[:3] + "8Q~" + B36[:34], B36[:34]),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIB\n-----END RSA PRIVATE KEY-----", "MIIEpAIB"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz", "b3BlbnNz"),
    ("GET /blob?sv=2020&sig=" + B36[:40], B36[:40]),
    ("mail to jane.doe+shop@mail.example.com failed", "jane.doe"),
    ("card 4111 1111 1111 1111 declined", "4111 1111 1111 1111"),
    ("card 378282246310005 declined", "378282246310005"),
    ("call +49 30 901820 now", "901820"),
    ("call (555) 010-4477", "010-4477"),
    ("ssn 078-05-1120 on file", "078-05-1120"),
]
LOOK_ALIKES = [
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
    "request 6fd30ecb-8f4c-4f7e-9d3a-0a1b2c3d4e5f",
    "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "version 1.27.4-rc.1+build.20240501", "order 4006381333931 shipped",
    "at 1714557600123 and 2024-05-01T12:00:00.123Z",
    "token expired", "invalid password", "password is required", "token: null", "secret=${DB_SECRET}",
    "max_tokens=4096 in the request", "cache miss for key cart:1017", "partition key is tenant", "user@localhost",
    "host 10.0.0.7:8080 answered 200 in 12 ms", "nextPageToken=42abc", "image registry.example/shop@sha256:ab12",
    "http://db.internal:5432/shop", "10.1.2.3 - - [10/Oct/2000:13:55:36 -0700]", "id 123-456-789", "basic auth failed",
    "Bearer of bad news", "ticket SHOP-1234 (555)", "range 1000000000000-2000000000000", "skipping sk-learn",
    "Token: Token { kind: ContainerToken }", "partition key-0a1b2c3d moved", "region eu-us1", "vcr_mode=none",
    "key-value", "xai-model loaded", "node r8_main is up", "com.example.Module.Sub-class.v1",
    "md5 0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d",
    "image ghcr.io/acme/shop:v1.2.3-4-gda39a3e", "podman-7c5ddbdf54-x2k9p", "pul-request 17 merged",
]


@pytest.mark.parametrize(("text", "secret"), LEAKS)
def test_a_leak_does_not_survive(text: str, secret: str) -> None:
    found = REDACTOR.text(text)

    assert secret not in found
    assert "[redacted:" in found


@pytest.mark.parametrize(("text", "redacted"), [
    ('{"password":"hunter2","user":"app"}', '{"password":"[redacted:secret]","user":"app"}'),
    ("login with password='correct horse'", "login with password='[redacted:secret]'"),
])
def test_quotes_around_a_secret_stay(text: str, redacted: str) -> None:
    assert REDACTOR.text(text) == redacted


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_a_look_alike_survives(text: str) -> None:
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(("text", "secret"), LEAKS)
def test_what_was_redacted_stays_as_it_is(text: str, secret: str) -> None:
    once = REDACTOR.text(text)

    assert REDACTOR.text(once) == once


words = st.text(string.ascii_lowercase + string.digits + " .,:=-/\n", max_size=60)


@settings(max_examples=60)
@given(words, st.sampled_from(LEAKS), words, st.sampled_from(LEAKS))
def test_no_secret_survives_wherever_it_stands(before: str, leak: tuple[str, str], between: str,
                                               other: tuple[str, str]) -> None:
    found = REDACTOR.text(f"{before} {leak[0]} \n {between} \n {other[0]}")

    assert leak[1] not in found
    assert other[1] not in found


@given(st.sampled_from(["password", "api_key", "db.secret", "AWS_SECRET_ACCESS_KEY", "authToken"]),
       st.text(string.ascii_letters + string.digits + "!#%^*-_+/", min_size=6, max_size=60))
def test_no_value_of_a_secret_key_survives(key: str, value: str) -> None:
    secret = "x9" + value

    assert secret not in REDACTOR.text(f"{key}={secret} done")
    assert REDACTOR.attribute(key, secret) == placeholder("secret")


@settings(max_examples=50)
@given(st.text(max_size=100))
def test_text_of_any_kind_is_taken(text: str) -> None:
    assert isinstance(REDACTOR.text(text), str)


def test_every_rule_has_its_sign_in_what_it_matches() -> None:
    matched = set()
    for text, _ in LEAKS:
        signs = set(REDACTOR._signs.Match(text) or ())
        found = {place for place, rule in enumerate(RULES) if rule.pattern.search(text)}
        assert found <= signs
        matched |= found

    assert {RULES[place].kind for place in matched} == {rule.kind for rule in RULES}


@pytest.mark.parametrize("unit", ["a", "0", "password=", "a@", "a.", "://a:", "-----BEGIN PRIVATE KEY-----", "eyJ",
                                  "+1", "0-", "https://", "cookie:", "bearer ", "'", "Authorization: ", "sk-",
                                  "a_password", "4111 1111 1111 ", "(555) "])
def test_time_is_linear_in_the_text(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        began = time.process_time()
        REDACTOR.text(text)
        return time.process_time() - began
    seconds(1_000)

    # Eight times the text: quadratic would be 64 times as long.
    assert seconds(48_000) < 30 * max(min(seconds(6_000) for _ in range(3)), 0.002)


def test_allowed_texts_stay_and_denied_names_go() -> None:
    redactor = Redactor(allow=["ops@shop.example"], deny=["Customer.Name"])

    assert redactor.text("ask ops@shop.example") == "ask ops@shop.example"
    assert redactor.attribute("customer.name", "Jane") == placeholder("secret")


@pytest.mark.parametrize("name", ["http.request.header.authorization", "x-api-key", "dbPassword", "token"])
def test_attribute_goes_by_its_name(name: str) -> None:
    assert REDACTOR.attribute(name, "z") == placeholder("secret")


@pytest.mark.parametrize("name", ["messaging.kafka.partition_key", "gen_ai.usage.input_tokens", "cache.key", "user.id"])
def test_attribute_that_only_sounds_like_a_secret_stays(name: str) -> None:
    assert REDACTOR.attribute(name, "z") == "z"


def test_luhn_tells_card_numbers_from_others() -> None:
    chance = random.Random(1)
    found = sum(luhn("4" + "".join(chance.choices(string.digits, k=15))) for _ in range(2000))

    assert luhn("4111111111111111")
    assert 120 < found < 280
