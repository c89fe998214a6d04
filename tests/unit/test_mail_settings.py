"""Settings of mail: what is wrong is named, and never shown."""

import pytest

from producers.contract.secret import Secret
from producers.errors import ConfigError
from worker.mail.mail_server import MailServer, mail_server
from worker.mail.routes import recipients, routes
from worker.mail.settings import MailInSettings, MailSettings

SECRET = "0123456789abcdef" * 3
FORWARD = {"MAIL_URL": "smtp://localhost:25", "MAIL_FROM": "sms@example.com", "MAIL_TO": "desk@example.com"}
IN = {
    "MAIL_REPLY_DOMAIN": "sms.example.com",
    "MAIL_SECRET": SECRET,
    "MAIL_IN_SENDERS": "Anna@Example.com, @shop.example.com",
    "MAIL_IN_SMS_SENDER": "Bistro",
}


def problems(kind, environ) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        kind.from_env(environ)
    return raised.value.problems


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtps://a:b@mail.example.com", ("mail.example.com", 465, "tls", "a", "b")),
        ("smtp://a:b@mail.example.com", ("mail.example.com", 587, "starttls", "a", "b")),
        ("smtp://mail.example.com:25/", ("mail.example.com", 25, "starttls", None, None)),
        (
            "smtp://a%40x:p%2F%3F%23%20%25%3A%5B%5D@mail.example.com",
            (..., 587, "starttls", "a@x", "p/?# %:[]"),
        ),
        ("SMTPS://[2001:db8::1]:4465", ("2001:db8::1", 4465, "tls", None, None)),
        ("smtp://localhost:2525", ("localhost", 2525, "plain", None, None)),
        ("smtp://127.0.0.1", ("127.0.0.1", 587, "plain", None, None)),
        ("smtp://[::1]", ("::1", 587, "plain", None, None)),
        ("smtp://mail.localhost", ("mail.localhost", 587, "plain", None, None)),
        ("smtp://localhost.example.com", ("localhost.example.com", 587, "starttls", None, None)),
        ("smtp://127.0.0.1.example.com", ("127.0.0.1.example.com", 587, "starttls", None, None)),
    ],
)
def test_a_server_is_read_and_only_this_machine_is_spoken_to_in_plain(url, expected):
    host, port, security, user, password = expected
    if host is ...:
        host = "mail.example.com"

    assert mail_server(Secret(url)) == MailServer(host, port, security, user, password and Secret(password))


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://a:geheim@mail.example.com",
        "smtp://",
        "smtp://:25",
        "smtp://a:geheim@mail.example.com:port",
        "smtp://a:geheim@mail.example.com:99999",
        "smtp://a:ge/heim@mail.example.com",
        "smtp://a:ge#heim@mail.example.com",
        "smtp://a:ge?heim@mail.example.com",
        "smtp://a:ge@heim@mail.example.com",
        "smtp://a:geheim@mail.example.com/path",
        "smtp://a:geheim@mail.example.com?tls=no",
        "smtp://geheim@mail.example.com",
        "smtp://:geheim@mail.example.com",
        "smtp://a:geh%C3%A9im@mail.example.com",
        "smtp://a:geheim%0D%0AQUIT@mail.example.com",
        "smtp://[geheim",
    ],
)
def test_a_server_that_cannot_be_read_is_named_and_not_shown(url):
    found = problems(MailSettings, FORWARD | {"MAIL_URL": url})

    assert list(found) == ["MAIL_URL"]
    assert not any(part in str(found) for part in ("ge", "heim", "port:", "99999") if part != "ge")


def test_all_that_is_missing_or_wrong_is_named_at_once():
    assert problems(MailSettings, {"MAIL_NUMBERS": "some", "MAIL_URL": " "}) == {
        "MAIL_URL": "is required",
        "MAIL_FROM": "is required",
        "MAIL_TO": "is required",
        "MAIL_NUMBERS": "must be masked or full",
    }
    assert set(problems(MailInSettings, {"MAIL_IN_TEXT_MAX": "0"})) == set(IN) | {"MAIL_IN_TEXT_MAX"}
    assert problems(MailSettings, FORWARD | {"MAIL_REPLY_DOMAIN": "sms.example.com"}) == {
        "MAIL_SECRET": "is required with MAIL_REPLY_DOMAIN"
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_FROM", "Bistro <sms@example.com>"),
        ("MAIL_FROM", "sms"),
        ("MAIL_FROM", "sms@-example.com"),
        ("MAIL_FROM", "sms@example.com\r\nBcc: x@example.com"),
        ("MAIL_FROM", "sms@exämple.com"),
        ("MAIL_TO", "desk@example.com, nobody"),
        ("MAIL_TO", ","),
        ("MAIL_REPLY_DOMAIN", "sms@example.com"),
        ("MAIL_REPLY_DOMAIN", "sms.example.com."),
        ("MAIL_SECRET", "short"),
        ("CONSOLE_URL", "sms.example.com"),
        ("CONSOLE_URL", "javascript:alert(1)"),
        ("CONSOLE_URL", "https://sms.example.com/?a"),
        ("CONSOLE_URL", "https://[sms"),
        ("CONSOLE_URL", "https://sms.example.com/\r\nBcc: x"),
        ("MAIL_ROUTES", "FR = desk@example.com"),
    ],
)
def test_a_setting_that_will_not_do_is_refused(name, value):
    assert list(problems(MailSettings, FORWARD | {"MAIL_SECRET": SECRET} | {name: value})) == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_IN_SENDERS", "@"),
        ("MAIL_IN_SENDERS", "anna"),
        ("MAIL_IN_SENDERS", "*@example.com, *"),
        ("MAIL_IN_SMS_SENDER", "Bi"),
        ("MAIL_IN_SMS_PURPOSE", "spam"),
        ("MAIL_IN_TEXT_MAX", "1225"),
        ("MAIL_IN_TRUSTED", "mx example"),
    ],
)
def test_a_setting_of_answers_that_will_not_do_is_refused(name, value):
    assert name in problems(MailInSettings, IN | {name: value})


def test_settings_are_read():
    mail = MailSettings.from_env(FORWARD | {"MAIL_TO": "a@example.com b@example.com,a@example.com"})
    answers = MailInSettings.from_env(IN)

    assert mail.otherwise == ("a@example.com", "b@example.com")
    assert (mail.answers, mail.numbers, mail.routes) == (None, "masked", ())
    assert answers.allowed == ("anna@example.com", "@shop.example.com")
    assert (answers.text_max, answers.purpose) == (459, "alert")
    assert SECRET not in repr(answers)
    assert MailSettings.from_env(FORWARD | {"MAIL_TO": "nobody"}).otherwise == ()


RULES = routes(
    "campaign:vip,spring-* = shop@example.com, boss@example.com; country:FR,BE=paris@example.com;"
    " country:ZZ = who@example.com; campaign:* = rest@example.com; country:DE = nobody;"
)


@pytest.mark.parametrize(
    ("country", "campaign", "to"),
    [
        ("FR", None, ["paris"]),
        ("BE", "vip", ["shop", "boss"]),
        ("FR", "spring-2026", ["shop", "boss"]),
        ("FR", "springtime", ["paris"]),
        ("DE", "other", ["rest"]),
        ("DE", None, []),
        (None, None, ["who"]),
        ("IT", None, ["desk"]),
        ("fr", None, ["desk"]),
    ],
)
def test_the_first_rule_that_takes_a_reply_decides(country, campaign, to):
    found = recipients(RULES, ("desk@example.com",), country=country, campaign=campaign)

    assert found == tuple(f"{name}@example.com" for name in to)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("country:FR", "rule 1: must be country:FR = "),
        ("country:FR=a@x.fr; DE=b@x.de", "rule 2: must be country:FR = "),
        ("country:fr=a@x.fr", "rule 1: a country is two capital letters"),
        ("country:=a@x.fr", "rule 1: a country is two capital letters"),
        ("country:FR,FRA=a@x.fr", "rule 1: a country is two capital letters"),
        ("campaign:a b=a@x.fr", "rule 1: a campaign is "),
        ("campaign:*a=a@x.fr", "rule 1: a campaign is "),
        ("campaign:[a]=a@x.fr", "rule 1: a campaign is "),
        ("sender:a=a@x.fr", "rule 1: must be country:FR = "),
        ("country:FR=", "rule 1: must name at least one mail address"),
        ("country:FR=a@x.fr;country:DE=secret", "rule 2: must be a mail address"),
    ],
)
def test_a_rule_that_cannot_be_read_is_named_by_its_place(text, reason):
    with pytest.raises(ValueError, match=f"^{reason}") as raised:
        routes(text)

    assert "secret" not in str(raised.value)


def test_a_bracket_that_is_not_escaped_is_told_how_to_write():
    with pytest.raises(ConfigError, match=r"\[ \] or space as .* %5B %5D"):
        MailSettings.from_env(
            {"MAIL_URL": "smtp://u:p[1]@localhost", "MAIL_FROM": "a@b.fr", "MAIL_TO": "a@b.fr"}
        )
