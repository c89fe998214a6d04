"""A directory for one run, which stays only if the run could not go on: then its logs say why."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.sandbox.installation import InstallationError


@contextmanager
def scratch_directory(prefix: str) -> Iterator[Path]:
    """Make a directory, and remove it at the end.

    Raises:
        InstallationError: as the block raised it; the message names the directory, which is kept.
    """
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield directory
    except InstallationError as error:
        raise InstallationError(f"{error}; the logs are kept in {directory}") from error
    except BaseException:
        shutil.rmtree(directory)
        raise
    shutil.rmtree(directory)
