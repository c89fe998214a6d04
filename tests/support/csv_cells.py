"""Cells of an export, as somebody reads them who knows only what docs/commands.md says."""

import unicodedata


def without_apostrophe(cell: str) -> str:
    """Give back the text that a cell was made of: one apostrophe less, if something dangerous follows."""
    for character in cell.lstrip("'") if cell.startswith("'") else "":
        if character in "\t\r" or unicodedata.normalize("NFKC", character) in set("=+-@\u2212"):
            return cell[1:]
        if unicodedata.category(character)[0] not in "ZC":
            return cell
    return cell
