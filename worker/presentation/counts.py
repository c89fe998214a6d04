"""How many of something, with the word as one or as many."""


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its word: ``1 segment``, ``1,200 segments``.

    Args:
        number: how many.
        one: the word for one, such as ``segment``.
        many: the word for any other number; empty puts an s behind the one.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
