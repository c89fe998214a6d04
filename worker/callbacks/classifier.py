"""What the text of a reply asks for: an end of all SMS, a new start, or a look by a person. Pure and total.

Callbacks for opt-outs are not read here: they count as they are. A text is read in four steps, and each
of them is sure or leaves it to the next one:

1. Make the words plain: no case, no accents, no width, no signs, nothing invisible.
2. All words are keywords and fillers ("STOP SMS svp"): stop, or start.
3. A clause is a sentence that cannot be mistaken ("Arrêtez de m'envoyer des SMS"): stop.
4. A keyword, or a sentence with a doubt about it ("Don't stop"), stands somewhere: hint.

In doubt it is a hint, and a person decides. The work grows with the length of the text and never with its
square; sentences are looked for in a few short clauses only.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final, Literal

from worker.callbacks import optout_words as words
from worker.callbacks.optout_phrases import PHRASES, Phrase
from worker.callbacks.plain_words import WORD, plain, squeeze, words_in

#: ``stop``: an opt-out. ``start``: lifts one. ``hint``: a person should decide. None: nothing of the kind.
Verdict = Literal["stop", "start", "hint"] | None

#: Words of a text that may be an opt-out by its keywords, or by a sentence; repeats at once count as one.
KEYWORDS_WORDS: Final = 8
SENTENCE_WORDS: Final = 25
#: Different keywords of a text that may be an opt-out. More are a list of words, quoted from somewhere.
_DIFFERENT: Final = 2
#: Clauses in which sentences are looked for.
_CLAUSES: Final = 8
#: Words of a text from which on it is no opt-out by its keywords, whatever may be left out of it.
_MANY: Final = 40
#: Words before a sentence among which a negation turns it.
_REACH: Final = 4
#: Letters of a keyword from which on it is the same with a doubled letter written once.
_LONG: Final = 5
#: Letters of a keyword from which on one wrong letter does no harm. ``abmelden``, of 8, has its contrary
#: near.
_LONGER: Final = 9

_SHORT_NUMBER: Final = re.compile(r"(?: (?:au|to|a|at|an|al) )?(?: \d{5} | \d\d  \d{3} | \d{3}  \d\d )")
_GLUED_NUMBER: Final = re.compile(r"(?<=[^\W\d_])(?=\d{5}(?![^\W_]))")
_END_OF_CLAUSE: Final = re.compile(r"[.,;:!?\n\r()\[\]«»\"]+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that count, built in or added by an owner; `with_words` makes one.

    Attributes:
        out: keywords that mean an opt-out.
        back: keywords that mean a new start.
        compounds: several words that count as one keyword, the longest first; as `_line` writes them.
        longer: keywords of an opt-out that are known with one wrong letter, too.
    """

    out: frozenset[str]
    back: frozenset[str]
    compounds: tuple[tuple[str, str], ...]
    longer: tuple[str, ...]


def with_words(optout: str = "", optin: str = "") -> Vocabulary:
    """Make a vocabulary of the built-in words and an owner's.

    Args:
        optout: words or short phrases that mean an opt-out, comma-separated; however they are written.
        optin: those that mean a new start. What stands in both means an opt-out.
    """
    compounds = dict(words.COMPOUNDS)
    added: list[set[str]] = []
    for written in (optout, optin):
        phrases = [phrase for each in written.split(",") if (phrase := words_in(plain(each)))]
        added.append({"".join(phrase) for phrase in phrases})
        compounds |= {" ".join(phrase): "".join(phrase) for phrase in phrases if len(phrase) > 1}
    longest_first = sorted(compounds.items(), key=lambda each: -len(each[0]))
    out = _known_as(words.KEYWORDS | added[0])
    return Vocabulary(
        out=out,
        back=_known_as(words.BACK | added[1]),
        compounds=tuple((_line(several.split()), _line([one])) for several, one in longest_first),
        longer=tuple(sorted(word for word in out if len(word) >= _LONGER)),
    )


def classify(text: str, vocabulary: Vocabulary | None = None) -> Verdict:
    """Say what a reply asks for.

    Args:
        text: as it was written; anything. Beyond the length of an SMS it is not read.
        vocabulary: the words that count; None for the built-in ones.

    Returns:
        The verdict: the same whatever the case, accents and width of letters, and the signs at the end.
    """
    known, said = vocabulary or _BUILT_IN, plain(text)
    spoken = words_in(said)
    left: list[str] = []
    if len(spoken) <= _MANY:
        left = _without_politeness(_spelled_out(words_in(_GLUED_NUMBER.sub(" ", said))), known)
        if _is_optout(left, known):
            return "stop"
        if 0 < len(left) <= KEYWORDS_WORDS and all(_is(word, known.back) for word in left):
            return "start"
    found = {_sentence(clause) for clause in _clauses(said)}
    if "stop" in found and len(spoken) <= SENTENCE_WORDS:
        return "stop"
    all_words = {*left, *spoken, *words_in(squeeze(said))}
    if found - {None} or not (known.out.isdisjoint(all_words) and _ALONE.isdisjoint(all_words)):
        return "hint"
    return None


def _clauses(said: str) -> Iterator[list[str]]:
    """The first clauses that are short enough to be a sentence."""
    short = (each for each in _END_OF_CLAUSE.split(said) if len(each) <= SENTENCE_WORDS * WORD)
    clauses = (clause for each in short if (clause := words_in(each)) and len(clause) <= SENTENCE_WORDS)
    return islice(clauses, _CLAUSES)


def _line(spoken: Iterable[str]) -> str:
    """Write words with blanks around each, so that a few of them in a row can be replaced as a text."""
    return "".join(f" {word} " for word in spoken)


def _spelled_out(spoken: list[str]) -> list[str]:
    """Join letters that stand alone in a row, such as ``s t o p``, and digits; repeats at once become one."""
    joined: list[str] = []
    for (single, _), some in groupby(spoken, lambda word: (len(word) == 1, word.isdigit())):
        run = list(some)
        joined += ["".join(run)] if single and len(run) > 2 else run
    return [word for word, _ in groupby(joined)]


def _without_politeness(spoken: list[str], known: Vocabulary) -> list[str]:
    """Leave out what changes nothing: polite words and a short number. Words that count as one become one."""
    line = _line(spoken)
    for several, one in known.compounds:
        line = line.replace(several, one)
    for several in _POLITE_COMPOUNDS:
        line = line.replace(several, "")
    left = _SHORT_NUMBER.sub("", line).split()
    return [word for word in left if _is(word, known.out) or not _is(word, _POLITE)]


def _is_optout(left: list[str], known: Vocabulary) -> bool:
    """Say whether words are keywords of an opt-out and nothing else."""
    if len(left) > KEYWORDS_WORDS:
        return False
    if left and all(_is(word, _ALONE) for word in left):
        return len(set(left)) == 1
    rest = [word for word in left if _is(word, known.out) or not _is(word, _BESIDE)]
    if rest and all(_is_keyword(word, known) for word in rest):
        return len({squeeze(word) for word in rest}) <= _DIFFERENT
    together = "".join(rest)
    return together in known.out or (len(rest) == 1 and together in words.SLIPS)


def _is(word: str, known: frozenset[str]) -> bool:
    """Say whether a word is known, with a letter repeated perhaps."""
    return word in known or squeeze(word) in known


def _is_keyword(word: str, known: Vocabulary) -> bool:
    """Say whether a word is a keyword of an opt-out: glued to another, or long with one letter wrong."""
    if _is(word, known.out):
        return True
    if "stop" in word and (_GLUED.fullmatch(word) or _GLUED.fullmatch(squeeze(word))):
        return True
    return len(word) >= _LONGER - 1 and any(_is_near(word, keyword) for keyword in known.longer)


def _is_near(word: str, keyword: str) -> bool:
    """Say whether two words differ by one letter: wrong, missing, too much, or in its neighbour's place."""
    if abs(len(word) - len(keyword)) > 1:
        return False
    same = next((i for i, (one, other) in enumerate(zip(word, keyword, strict=False)) if one != other), -1)
    if same < 0:
        return True
    one, other = word[same:], keyword[same:]
    swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
    return swapped or one[1:] == other[1:] or one[1:] == other or one == other[1:]


def _sentence(clause: list[str]) -> Verdict:
    """Say whether a sentence in a clause asks for an end, or may do so."""
    line = _line(clause)
    for several in _POLITE_COMPOUNDS:
        line = line.replace(several, "")
    said = [squeeze(word) for word in line.split() if not _is(word, _POLITE)]
    found: Verdict = None
    for at, word in enumerate(said):
        if phrases := PHRASES.get(word):
            following = " ".join(said[at + 1 :]) + " "
            for phrase in phrases:
                if match := phrase.rest.match(following):
                    found = "hint"
                    if _is_meant(phrase, said[:at], following[match.end() :].split()):
                        return "stop"
    return found


def _is_meant(phrase: Phrase, before: list[str], after: list[str]) -> bool:
    """Say whether a sentence is meant as it stands there, by the words before and after it."""
    if not phrase.sure or not _NEGATIONS.isdisjoint(before[-_REACH:]) or not _DOUBTS.isdisjoint(before):
        return False
    asked = before[-1:] in (["you"], ["vous"]) and before[-2:-1] and before[-2] in words.MAY_ASK
    if phrase.asks and before and before[-1] in _TELLERS and not asked:
        return False
    if phrase.open:
        return all(word in words.FOR_EVER for word in after)
    return not after or after[0] not in _LIMITS or _HERE.match(" ".join(after)) is not None


def _known_as(vocabulary: Iterable[str]) -> frozenset[str]:
    """The words, and the long ones of them with doubled letters written once."""
    known = frozenset(vocabulary)
    return known | {squeeze(word) for word in known if len(word) >= _LONG}


_BUILT_IN: Final = with_words()
_ALONE, _POLITE, _BESIDE = map(_known_as, (words.ALONE, words.POLITE, words.MESSAGES | words.BESIDE))
_POLITE_COMPOUNDS: Final = tuple(_line(several.split()) for several in words.POLITE_COMPOUNDS)
_NEGATIONS, _DOUBTS, _TELLERS, _LIMITS = (
    frozenset(map(squeeze, some)) for some in (words.NEGATIONS, words.DOUBTS, words.TELLERS, words.LIMITS)
)
#: A keyword and what is to stop, in one word. It never steps back: a long word takes no longer for it.
_GLUED: Final = re.compile(
    f"(?:{'|'.join(sorted(map(squeeze, {'stop', 'svp', 'merci', 'all'} | words.MESSAGES), reverse=True))})++"
)
#: Where SMS come to is no limit: all that we can send come there.
_HERE: Final = re.compile(
    r"(?:sur|a|to|on|at) (?:ce|mon|this|my) (?:numero|portable|telephone|mobile|number|phone)\b"
    r"|par (?:sms|texto|mesage)\b"
)
