"""Text from strangers: records, file names and messages of other programs."""


def one_line(text: str) -> str:
    """``text`` as one line of printable characters: it cannot break or recolour a table, nor move a cursor."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())
