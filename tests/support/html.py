"""A page as a browser reads it: its elements, their attributes, and the text that it shows."""

from html.parser import HTMLParser


class Html(HTMLParser):
    """Reads a page.

    Attributes:
        elements: name and attributes of every element, in order.
        text: all text outside of elements' names and attributes.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Note some text."""
        self.text += data

    def names(self) -> set[str]:
        """List the names of all elements."""
        return {name for name, _ in self.elements}

    def values(self, attribute: str) -> list[str]:
        """List the values of an attribute, wherever it stands."""
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]
