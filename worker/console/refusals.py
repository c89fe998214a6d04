"""Why a request got no page, in words for the person who made it."""

from http import HTTPStatus


class Refusal(Exception):
    """Answered with a page that says what is wrong. Safe to raise anywhere below a page.

    Args:
        status: of the answer: 404 for what is not there, 409 for what is in another state by now, 403 …
        words: one or two sentences: what is so, and what can be done. Never a text, a number or a token.
        state: what is so by now, where the request came too late (409).
        back: path of the page on which to look again.
    """

    def __init__(self, status: HTTPStatus, words: str, *, state: str = "", back: str = "/") -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.state = state
        self.back = back


def not_found(words: str, back: str = "/") -> Refusal:
    """Make the refusal for what is not there, or not any more."""
    return Refusal(HTTPStatus.NOT_FOUND, words, back=back)


def too_late(state: str, back: str) -> Refusal:
    """Make the refusal for a decision about something that changed meanwhile.

    Args:
        state: the state it is in by now.
        back: path of the page on which to look again.
    """
    words = "This changed while you looked at it, so nothing was done. Look again and decide again."
    return Refusal(HTTPStatus.CONFLICT, words, state=state, back=back)
