"""Text from strangers (records, file names and messages of other programs), and counts in words."""


def one_line(text: str) -> str:
    """``text`` as one line of printable characters: it cannot break or recolour a table, nor move a cursor."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def shortened(text: str, most: int = 4000) -> str:
    """``text`` without its middle, where it has more than ``most`` characters; an error's remedy is at its end."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} ... ({len(text):,} characters) ... {text[-half:]}"


def counted(number: object, noun: str) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
