"""Counts in words that fit them: 1 message, 2 messages. Pure."""


def counted(count: int, word: str) -> str:
    """Write how many there are of something whose plural ends with an s."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
