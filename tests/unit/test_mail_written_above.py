"""What a person wrote into a mail, as many programs and languages quote it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.mail.letter import ANSWER_ABOVE
from worker.mail.plain_text import html_to_text
from worker.mail.written_above import Interleaved, written_above

QUOTE = f"> {ANSWER_ABOVE}\n>\n> +336******78 (FR) wrote:\n>\n>     Oui\n>\n> Campaign: spring\n"
UNQUOTED = QUOTE.replace("> ", "").replace(">", "")
FROM = "+336******78 by SMS <sms@example.com>"

#: How programs introduce what they quote.
INTRODUCTIONS = {
    "gmail_en": f"On Thu, Nov 26, 2026 at 10:32 AM {FROM}\nwrote:\n\n{QUOTE}",
    "gmail_fr": f"Le jeu. 26 nov. 2026 à 10:32, {FROM} a\nécrit :\n\n{QUOTE}",
    "gmail_de": f"Am Do., 26. Nov. 2026 um 10:32 Uhr schrieb {FROM}:\n\n{QUOTE}",
    "gmail_sv": f"Den tors 26 nov. 2026 kl 10:32 skrev {FROM}:\n\n{QUOTE}",
    "gmail_pt": f"{FROM} escreveu (quinta, 26/11/2026 à(s) 10:32):\n\n{QUOTE}",
    "gmail_es": f"El jue, 26 nov 2026 a las 10:32, {FROM} (<sms@example.com>)\nescribió:\n\n{QUOTE}",
    "gmail_ja": f"2026年11月26日(木) 10:32 {FROM}:\n\n{QUOTE}",
    "apple_en": f"\n> On 26 Nov 2026, at 10:32, {FROM} wrote:\n> \n{QUOTE}",
    "apple_de": f"\n> Am 26.11.2026 um 10:32 schrieb {FROM}:\n> \n{QUOTE}",
    "thunderbird_fr": f"Le 26/11/2026 à 10:32, +336******78 by SMS a écrit :\n{QUOTE}",
    "thunderbird_it": f"Il 26/11/26 10:32, +336******78 by SMS ha scritto:\n{QUOTE}",
    "outlook_en": (
        f"________________________________\nFrom: {FROM}\nSent: Thursday, November 26, 2026 10:32 AM\n"
        f"To: desk@example.com <desk@example.com>\nSubject: SMS from +336******78\n\n{UNQUOTED}"
    ),
    "outlook_fr": (
        f"De : {FROM}\nEnvoyé : jeudi 26 novembre 2026 10:32\nÀ : desk@example.com\n"
        f"Objet : SMS from +336******78 [012345]\n\n{UNQUOTED}"
    ),
    "outlook_de": (
        f"Von: {FROM} \nGesendet: Donnerstag, 26. November 2026 10:32\nAn: desk@example.com\n"
        f"Betreff: SMS from +336******78\n\n{UNQUOTED}"
    ),
    "outlook_bold": f"*From:* {FROM}\n*Sent:* Thursday\n*To:* desk@example.com\n\n{UNQUOTED}",
    "outlook_exchange": f"Von: SMS\nGesendet: Donnerstag\nAn: Desk\nBetreff: SMS\n\n{UNQUOTED}",
    "outlook_old": f"-----Ursprüngliche Nachricht-----\nVon: SMS\nGesendet: heute\n\n{UNQUOTED}",
    "outlook_zh": f"发件人： {FROM}\n发送时间： 2026年11月26日\n收件人： desk@example.com\n\n{UNQUOTED}",
    "yahoo": f"    On Thursday, November 26, 2026 at 10:32:05 AM GMT+1, {FROM} wrote:  \n \n {UNQUOTED}",
    "samsung": f"-------- Message d'origine --------\nDe : {FROM}\nDate : 26/11/2026\n\n{UNQUOTED}",
    "nothing": f"{UNQUOTED}",
    "no_quote_at_all": "",
}


@pytest.mark.parametrize("name", INTRODUCTIONS)
@pytest.mark.parametrize("answer", ["Oui.", "Bonjour,\n\nvenez à 10:30 : la table 4 est libre.\nMerci !"])
def test_only_the_answer_is_taken(name, answer):
    assert written_above(f"{answer}\n\n{INTRODUCTIONS[name]}") == answer


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAnna Martin\nBistro, Paris\n+33 1 23 45 67 89",
        "--\nAnna",
        "Sent from my iPhone",
        "Envoyé de mon iPhone",
        "Envoyé depuis mon mobile Orange",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX Mail App",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verzonden vanaf mijn iPhone",
        "Skickat från min iPhone",
        "Get Outlook for Android",
        "Télécharger Outlook pour iOS",
        "Sent from my Galaxy\n\nSent with Proton Mail secure email.",
    ],
)
@pytest.mark.parametrize("name", ["gmail_fr", "apple_de", "outlook_en", "nothing", "no_quote_at_all"])
def test_a_signature_is_left_out(signature, name):
    assert written_above(f"Oui, venez.\n\n{signature}\n\n{INTRODUCTIONS[name]}") == "Oui, venez."


@pytest.mark.parametrize(
    "text",
    [
        "Lundi: 10:30\nMardi: 11:00\nMercredi: 12:00",
        "On Monday we can come.\nIs that right?",
        "*** URGENT ***\nCome now",
        "Prix : 10 €",
        "Sent from my heart, with love" + ", and with a long explanation" * 3,
        "Am Montag schrieb ich:\nnichts.",
        "- one\n- two",
        "a\n\nb",
        "Écrivez à info@example.com",
        "1 > 0",
    ],
)
def test_what_only_looks_like_a_quote_is_taken(text):
    assert written_above(text) == text


def test_lines_that_a_program_broke_are_whole_again_and_others_are_not():
    broken = "Nous vous attendons demain à partir de dix heures et demie, la porte est\nouverte.\nMerci !"

    assert written_above(broken) == broken.replace("est\nouverte", "est ouverte")


@pytest.mark.parametrize("text", ["", "\n\n", QUOTE, f"{INTRODUCTIONS['gmail_fr']}\nBelow.", "-- \nAnna"])
def test_nothing_above_is_nothing(text):
    assert written_above(text) == ""


@pytest.mark.parametrize("above", ["", "Voir ci-dessous.\n\n"])
def test_answers_between_quoted_lines_are_not_guessed(above):
    with pytest.raises(Interleaved):
        written_above(f"{above}Le 26/11/2026, SMS a écrit :\n> Une ?\nOui\n> Deux ?\nNon\n")


def test_what_a_company_writes_below_is_left_out():
    assert written_above(f"Oui\n\n{INTRODUCTIONS['gmail_en']}\n\nThis e-mail is confidential.") == "Oui"


HTML = {
    "gmail": (
        '<div dir="ltr">Oui,<br>venez&nbsp;!</div><br><div class="gmail_quote gmail_quote_container">'
        '<div dir="ltr" class="gmail_attr">Le jeu. 26 nov. 2026 à 10:32, SMS &lt;<a '
        f'href="mailto:sms@example.com">sms@example.com</a>&gt; a écrit :<br></div>'
        f"<blockquote>{ANSWER_ABOVE}<br>quoted</blockquote></div>"
    ),
    "apple": (
        "<html><head><style>p{}</style></head><body>Oui,<div>venez !</div><div><br><blockquote type='cite'>"
        "On 26 Nov 2026, SMS wrote:</blockquote></div></body></html>"
    ),
    "outlook": (
        '<body><p class="MsoNormal">Oui,<o:p></o:p></p><p class=MsoNormal>venez !</p>'
        '<div id="appendonsend"></div><hr>'
        '<div id="divRplyFwdMsg"><b>De :</b> SMS<br><b>Envoyé :</b> jeudi</div><div>quoted</div></body>'
    ),
    "outlook_desktop": (
        "<p>Oui,</p><p>venez !</p><div style='border:none'><p><b>De :</b> SMS<br><b>Envoyé :</b> jeudi<br>"
        f"<b>À :</b> Desk</p></div><p>{ANSWER_ABOVE}</p><p>quoted</p>"
    ),
    "signature": '<p>Oui,<br>venez !</p><div class="gmail_signature">Anna</div><blockquote>x</blockquote>',
    "thunderbird": (
        '<p>Oui,<br>\nvenez !</p><div class="moz-cite-prefix">Le 26/11/2026, SMS a écrit :</div><blockquote>x'
    ),
    "scripts": "<script>alert(1)</script><title>x</title><p>Oui,<br>venez !</p><!-- > comment -->",
}


@pytest.mark.parametrize("name", HTML)
def test_the_answer_in_html_is_taken(name):
    assert written_above(html_to_text(HTML[name])).replace("\u00a0", " ").split() == ["Oui,", "venez", "!"]


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_any_text_is_read(name):
    text = HOSTILE_TEXTS[name]

    assert len(written_above(text)) <= len(text)
    assert "\n" not in html_to_text(f"<p>{text}</p>").strip() or "<" in text or "&" in text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "On " + " " * 50_000 + "x",
            "*" * 50_000,
            "-" * 50_000 + "x",
            "From: a\n" * 20_000,
            "On a\n" * 20_000,
        ),
        *("> \n" * 20_000, "a@" * 30_000, "\n" * 60_000, "a:" * 30_000, "sent from " * 9_000, "<" * 20_000),
    ],
)
def test_reading_takes_a_time_that_grows_with_the_length_only(text):
    began = time.process_time()
    written_above(text)
    written_above(html_to_text(text))

    assert time.process_time() - began < 2


@given(st.text(alphabet="a@:>-.1\n ", max_size=200))
def test_what_is_taken_was_written(text):
    try:
        taken = written_above(text)
    except Interleaved:
        return
    assert not any(line.lstrip().startswith(">") for line in taken.split("\n"))
    assert set(taken.split()) <= set(text.split())
