"""Text of a class of its own, such as Django's ``SafeString`` or a ``StrEnum``, as the ``str`` that it is.

Whoever renders a text from a template holds such a thing and takes it for a str. No encoder does. Pure.
"""


def plain(text: str) -> str:
    """Return the text as a ``str`` and nothing else."""
    return text if type(text) is str else str.__str__(text)


def as_text(value: object) -> str:
    """Write anything as a ``str``: ``str()`` of a member of a text enumeration may be its name.

    Half surrogates become ``?``: no encoder takes them, and nothing of ours is called so.
    """
    text = plain(value) if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def encodable(value: object) -> object:
    """Let an encoder of msgspec take such a text: its ``enc_hook``.

    Raises:
        TypeError: the value is no text.
    """
    if isinstance(value, str):
        return plain(value)
    raise TypeError(f"objects of type {type(value).__name__} cannot be written")
