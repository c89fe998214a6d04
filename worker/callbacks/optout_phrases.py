"""Sentences that ask for an end of all SMS, as patterns over words; data of `worker.callbacks.classifier`.

A clause is matched with a blank behind each word, and without repeated letters. In a phrase ``<sms>`` stands
for a word of messages and what may stand before it, ``<list>`` for what somebody wants to be taken off.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.callbacks.optout_words import MESSAGES
from worker.callbacks.plain_words import squeeze


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence that asks for an end.

    Attributes:
        first: the words that it may begin with.
        rest: matches what follows the first word, up to and with a blank.
        sure: False of one that may ask for an end, and of which a person decides.
        asks: it is an order or a request. With a subject before it, somebody tells of himself or of others.
        open: it does not say what is to end. Nothing but words such as "again" may follow.
    """

    first: frozenset[str]
    rest: re.Pattern[str]
    sure: bool
    asks: bool
    open: bool


_SMS: Final = "(?:(?:{}) ){{0,6}}(?:{}) ".format(
    "de|d|des|du|les|l|la|le|vos|ces|tes|ce|cette|votre|tous|toutes|tout|aux|au|a|aucun|aucune|m|me|envoyer"
    "|envoi|envois|envoyez|recevoir|ecrire|mon|nous|avec|the|these|those|this|your|any|all|more|such|us|sending"
    "|with|of|further|anymore|sie|mir|mich|keine|mas|piu|di|mais|meer|met",
    "|".join(sorted(MESSAGES | {"rien", "anything", "info", "infos", "mail", "mails"})),
)
_LIST: Final = (
    "(?:(?:de|des|du|from|off|of|all|toutes|tous|la|le|les|votre|vos|ta|tes|cette|ces|your|the|this) ){1,3}"
    "(?:(?:mailing|marketing|text|sms|message|messages|distribution|contact) )?"
    "(?:liste|listes|fichier|fichiers|base|bases|diffusion|contacts|repertoire|envois|envoi|mailing|list|lists"
    "|database|system|sms|messages|texts|marketing) "
)
_WANT: Final = "veux veut voulons voudrais souhaite souhaitons desire desirons souhaiterais aimerais"
_END: Final = "arretez arreter arrete arret stoppez stopper stoppe stop cessez cesser"
_OFF: Final = (
    "retirez retirer retire enlevez enlever enleve supprimez supprimer supprime effacez effacer otez oter"
    " rayez rayer radiez radier desinscrivez desinscrire desabonnez desabonner"
)
_WANTED, _TAKEN_OFF = (f"(?:{several.replace(' ', '|')}) " for several in (_WANT, _OFF))
_MINE: Final = "(?:moi|nous|mon numero|mon num|mon tel|mon telephone|ce numero|mes coordonnees|mon contact) "
_HERS: Final = "(?:me|us|this number|my number|my phone number) "
_DO_NOT: Final = "(?:t |not )?(?:ever )?"
_REACHED: Final = "(?:recevoir|etre contactee?|etre sollicitee?|etre demarchee?) "
_TO_REACH: Final = "(?:contacter|solliciter|ecrire|relancer|demarcher|harceler|spammer|texter) "


def _phrases(
    *written: tuple[str, str], sure: bool = True, asks: bool = False, is_open: bool = False
) -> list[Phrase]:
    """Compile phrases, each given as its first words and the pattern of what follows."""
    return [
        Phrase(
            frozenset(map(squeeze, first.split())),
            re.compile(squeeze(rest.replace("<sms>", _SMS).replace("<list>", _LIST))),
            sure,
            asks,
            is_open,
        )
        for first, rest in written
    ]


_ORDERS: Final = _phrases(
    (_END, "<sms>"),
    (_END, f"(?:de |d )?(?:m|me|nous) {_TO_REACH}"),
    ("n ne", "(?:m |me |nous )?envoyez (?:plus|pas) <sms>"),
    ("n ne", "(?:plus|pas) (?:jamais )?(?:m |me |nous )envoyer <sms>"),
    ("n ne", f"(?:plus|pas) (?:jamais )?(?:me |m |nous ){_TO_REACH}"),
    ("n ne", "(?:me |m |nous )(?:contactez|sollicitez|ecrivez|relancez) (?:plus|pas) "),
    ("n ne", "(?:plus|pas) recevoir <sms>"),
    (_OFF, f"{_MINE}<list>"),
    ("desabonnement desinscription desabonner desinscrire unsubscribe", "<list>"),
    ("unsubscribe opt", f"{_HERS}(?:out )?<list>"),
    ("remove delete take", f"{_HERS}<list>"),
    ("stop", "(?:texting|messaging|spamming|contacting) "),
    ("stop", "sending <sms>"),
    ("don dont do", f"{_DO_NOT}(?:text|message|sms|contact) {_HERS}(?:again|anymore|any more|ever) "),
    ("don dont do", f"{_DO_NOT}send (?:me |us )?<sms>"),
    ("never", "(?:text|message|contact) (?:me|us) again "),
    ("schicken senden", "sie mir (?:bitte )?keine <sms>mehr "),
    ("schreiben", "sie mir (?:bitte )?(?:nicht|keine sms|keine nachrichten) mehr "),
    ("melden", "sie mich (?:bitte )?ab "),
    ("no", "me (?:envien|envie|manden|mande) mas <sms>"),
    ("dejen deje", "de (?:enviarme|mandarme) <sms>"),
    ("non", "(?:inviatemi|mandatemi) (?:piu )?<sms>"),
    ("basta", "<sms>"),
    ("nao", "(?:me )?(?:envie|enviem|mande|mandem) mais <sms>"),
    ("pare parem", "de (?:me )?(?:enviar|mandar) <sms>"),
    asks=True,
)
_OPEN_ORDERS: Final = _phrases(
    ("n ne", "m envoyez (?:plus|pas) "),
    ("n ne", "(?:plus|pas) (?:jamais )?(?:m |me |nous )envoyer "),
    ("n ne", f"plus {_REACHED}"),
    (_END, "(?:de |d )?(?:m|me|nous) envoyer "),
    (_END, "(?:l |les |vos )?(?:envoi|envois) "),
    ("me m nous", _TAKEN_OFF),
    (_OFF, _MINE),
    ("unsubscribe opt", f"{_HERS}(?:out )?"),
    ("remove delete", _HERS),
    ("stop", "sending (?:me |us )?"),
    ("don dont do", f"{_DO_NOT}(?:text|message|sms|contact) {_HERS}"),
    ("deme denme dame", "de baja "),
    ("dejen deje", "de (?:escribirme|enviarme|mandarme) "),
    asks=True,
    is_open=True,
)
_WISHES: Final = _phrases(
    ("n ne", f"{_WANTED}(?:plus|pas) (?:jamais |du tout )?recevoir <sms>"),
    (_WANT, "(?:plus|pas) (?:jamais |du tout )?recevoir <sms>"),
    ("n ne", f"{_WANTED}(?:plus|pas) (?:jamais |du tout )?<sms>"),
    ("me m nous", f"{_TAKEN_OFF}<list>"),
    ("want wish like", "to (?:unsubscribe|opt out|be unsubscribed|be removed) <list>"),
    ("don dont do", "(?:t |not )?(?:want|wish) (?:to )?(?:receive |get )?<sms>"),
    ("no", "more <sms>"),
    ("keine", "(?:sms|nachrichten|werbung) mehr "),
    ("no", "(?:quiero|deseo) (?:recibir )?(?:mas )?<sms>"),
    ("no", "mas <sms>"),
    ("non", "(?:voglio|desidero) (?:piu )?ricevere <sms>"),
    ("nao", "(?:quero|desejo) (?:mais )?receber <sms>"),
    ("geen", "(?:sms|berichten|reclame) meer "),
)
_OPEN_WISHES: Final = _phrases(
    ("n ne", f"{_WANTED}(?:plus|pas) (?:jamais |du tout )?(?:rien )?{_REACHED}"),
    (_WANT, f"(?:plus|pas) (?:jamais |du tout )?(?:rien )?{_REACHED}"),
    ("me", "(?:desabonner|desinscrire|desabonne|desinscris) "),
    ("demande", "(?:de |le |la |mon |ma |un |une )?(?:desabonnement|desinscription) "),
    ("want wish like", "to (?:unsubscribe|opt out|be unsubscribed|be removed) "),
    ("mich", "(?:bitte )?(?:abmelden|austragen) "),
    ("darme", "de baja "),
    is_open=True,
)
#: "Plus de pub" is "no more ads" or "more ads".
_PERHAPS: Final = _phrases(
    ("plus pas", "(?:de|aucun|aucune) <sms>"),
    ("leave", "(?:me|us) alone "),
    ("laissez", "(?:moi|nous) tranquilles? "),
    ("foutez fichez", "(?:moi|nous) la paix "),
    ("mich", "in ruhe "),
    sure=False,
)


def _by_first_word(phrases: Iterable[Phrase]) -> Mapping[str, tuple[Phrase, ...]]:
    index: dict[str, tuple[Phrase, ...]] = {}
    for phrase in phrases:
        for first in phrase.first:
            index[first] = (*index.get(first, ()), phrase)
    return index


#: All phrases by the words that they may begin with.
PHRASES: Final = _by_first_word([*_ORDERS, *_WISHES, *_OPEN_ORDERS, *_OPEN_WISHES, *_PERHAPS])
