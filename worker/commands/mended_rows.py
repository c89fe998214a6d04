"""The file of ``--bad-rows-to``: what may go wrong with it, in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.lists.list_file import ListFile
from worker.lists.mending import AlreadyThere, Mending, mending
from worker.presentation.output import Failed


@contextmanager
def mended(listed: ListFile | None, path: Path | None) -> Iterator[Mending | None]:
    """Take rows that are to be mended, if there is a list and somebody named a file for them.

    Raises:
        Failed: there is another file by that name, or it cannot be written.
    """
    if listed is None or path is None:
        yield None
        return
    try:
        with mending(listed, path) as taken:
            yield taken
    except AlreadyThere:
        raise Failed(
            f"{path} is there already, with other rows, and may have been mended: it stays as it is, and "
            "nothing was done. Move it, or name another file"
        ) from None
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}; nothing was done") from None
