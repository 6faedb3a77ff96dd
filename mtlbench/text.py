"""Text from strangers (records, file names and messages of other programs), and counts in words.

Whatever writes such text for people cleans it here: ``say`` and ``plain`` of the command line, each format of
leaderboards, the figures and the report.
"""


def printable(text: str) -> str:
    """``text`` of printable characters in lines: it cannot recolour a terminal, move a cursor, or turn the reading."""
    if text.isprintable():
        return text
    return "".join(char if char == "\n" or char.isprintable() else " " for char in text)


def escaped(text: str) -> str:
    """``text`` with what is not printable written as ``\\u202e``, as TOML and JSON read it inside a string."""
    return "".join(char if char == "\n" or char.isprintable() else _code(ord(char)) for char in text)


def one_line(text: str) -> str:
    """``text`` as one line of printable characters: it cannot break a table or be taken for a line of its own."""
    return " ".join(printable(text).split())


def shortened(text: str, most: int = 4000) -> str:
    """``text`` without its middle, where it has more than ``most`` characters; an error's remedy is at its end."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} ... ({len(text):,} characters) ... {text[-half:]}"


def shown(value: object, most: int = 100) -> str:
    """``value`` as a message names it: its repr in one line, without the middle of a long one."""
    try:
        text = repr(value)
    except Exception:  # of a class of the user's
        text = f"an object of {type(value).__name__}"
    return shortened(one_line(text), most)


def counted(number: object, noun: str) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _code(point: int) -> str:
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
