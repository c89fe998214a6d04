"""The words of people who want no more SMS, or want them again; data of `worker.callbacks.classifier`.

All are written as the classifier reads a text: lower case, no accents, blanks for apostrophes. A word is in
here if, sent alone, it can hardly mean anything else. So CANCEL, ANNULER and FIN are not (an appointment is
cancelled, too), nor YES and OUI: an owner may add them with ``OPTOUT_WORDS`` and ``OPTIN_WORDS``.

Sources: AWS End User Messaging takes STOP, ARRET, END, QUIT, REMOVE, OPT-OUT and UNSUBSCRIBE (its page
"Required opt-out keywords"). Telnyx and Braze also list STOPALL and STOP ALL, Twilio REVOKE. All of them
list CANCEL, too. ``baja``, ``sair`` and ``parar`` are what people answer in Spanish and Portuguese
(DeskcommCRM, pull request 275). Of the other languages only the dictionary's word for "unsubscribe" is here.
"""

from typing import Final


def _set(several: str) -> frozenset[str]:
    return frozenset(several.split())


#: Mean an opt-out, also beside other words of this set and beside fillers.
KEYWORDS: Final = _set(
    """
    stop stopall stopper stoppez stoppe arret desabo desabonner desabonnement desabonnez desabonne
    desabonnes desabonnemoi desabonnezmoi desinscrire desinscription desinscrivez desinscris desinscrit
    desinscrivezmoi optout unsubscribe unsuscribe unsub unsubscribed nopubstop abmelden abmeldung
    abbestellen afmelden uitschrijven baja darmedebaja dardebaja cancellami cancellatemi disiscrivimi
    disiscrivetemi disiscrivermi disiscrizione descadastrar desinscrever стоп στοπ
    """
)

#: Mean an opt-out only alone, or with a polite word: they are everyday words, too.
ALONE: Final = _set(
    """
    quit end remove revoke arrete arretez arreter cessez cesser parar sair basta
    """
)

#: Mean that somebody wants SMS again, alone or with a polite word.
BACK: Final = _set(
    """
    start restart unstop subscribe resubscribe optin reabonner reabonnement reabonnez reprendre reprenez
    reinscrire reinscription reinscrivez anmelden aanmelden alta
    """
)

#: Several words that count as one of those above.
COMPOUNDS: Final = {
    "opt out": "optout",
    "opt me out": "optout",
    "opt in": "optin",
    "un stop": "unstop",
    "un subscribe": "unsubscribe",
    "stop all": "stopall",
    "no pub stop": "nopubstop",
    "dar de baja": "dardebaja",
    "darme de baja": "darmedebaja",
    "me desabonner": "desabonner",
    "se desabonner": "desabonner",
    "je me desabonne": "desabonne",
    "desabonnez moi": "desabonnez",
    "desabonne moi": "desabonne",
    "me desinscrire": "desinscrire",
    "se desinscrire": "desinscrire",
    "desinscrivez moi": "desinscrivez",
    "desinscris moi": "desinscris",
    "unsubscribe me": "unsubscribe",
    "me reabonner": "reabonner",
    "se reabonner": "reabonner",
    "reabonnez moi": "reabonnez",
    "me reinscrire": "reinscrire",
    "reinscrivez moi": "reinscrivez",
}

#: Change nothing, beside any of those words.
POLITE: Final = _set(
    """
    svp stp merci bonjour bjr bonsoir salut coucou hello hi hey dear madame mme monsieur mr messieurs
    mesdames cordialement cdt ok please pls plz thanks thank thx ty sorry desole immediatement
    maintenant now immediately bitte danke gracias grazie obrigado obrigada alstublieft aub dank
    """
)
#: Polite words that are several.
POLITE_COMPOUNDS: Final = (
    "s il vous plait",
    "s il te plait",
    "si possible",
    "if possible",
    "merci d avance",
    "merci beaucoup",
    "bonne journee",
    "bonne soiree",
    "thank you very much",
    "thank you so much",
    "thank you",
    "many thanks",
    "tout de suite",
    "right now",
    "por favor",
    "per favore",
    "dank u",
)

#: What is to stop: changes nothing beside a keyword. Nouns of messages, as phrases need them, too.
MESSAGES: Final = _set(
    """
    sms mms texto textos text texts texting message messages msg msgs mess pub pubs publicite publicites
    publicitaire publicitaires promo promos promotion promotions spam spams notification notifications
    notif notifs newsletter sollicitation sollicitations demarchage harcelement offres pubsms messaging
    marketing advertising ads werbung nachricht nachrichten mensaje mensajes publicidad messaggi
    messaggio pubblicita mensagem mensagens publicidade bericht berichten reclame
    """
)
#: Change nothing between a keyword and those, or a short number.
BESIDE: Final = _set("au to tout tous all")

#: STOP with one letter wrong, where that makes no other word of a language that is likely here. Left out:
#: step, shop, spot, atop, top, stp (s'il te plaît), sto (Italian), stap and stip (Dutch).
SLIPS: Final = _set(
    """
    stpo sotp tsop dtop qtop xtop ztop syop srop sgop stkp stpop stiop stoip styop srtop sdtop stopo
    stopl stopm st0p 5top stop1
    """
)

#: Take the sense out of a phrase when one of them stands shortly before it.
NEGATIONS: Final = _set(
    """
    ne n pas jamais non sans rien aucun surtout not no never t dont cant cannot wont didnt doesnt isnt
    without nor nicht kein keine nie niemals nunca nao mai geen niet nooit
    """
)
#: Make a question or a condition of what follows.
DOUBTS: Final = _set(
    """
    pourquoi comment quand si qui how why when if whether unless did does warum wie wann wenn falls como
    cuando quando perche hoe waarom wanneer
    """
)
#: Before a verb: somebody tells of himself or of others, and asks for nothing.
TELLERS: Final = _set(
    """
    j je il elle on tu ils elles vous m s i he she we they you ll will ve have has had avez ai a ont as
    avons est sont ete
    """
)
#: Before "you" and "vous": somebody asks for something all the same.
MAY_ASK: Final = _set("can could would will pouvez pourriez voulez voudriez")
#: Behind a phrase: it is meant for good.
FOR_EVER: Final = _set(
    """
    again anymore any more ever jamais plus definitivement du tout rien urgent
    """
)
#: Behind a phrase: it asks for less than an end.
LIMITS: Final = _set(
    """
    le avant apres pendant a au aux chez par vers demain aujourd ce cette quel quelle combien soir entre
    quand si sauf pour concernant sur tant jusqu jusque car before after at on during until about when
    unless except while in for between today tomorrow tonight this next
    """
)
