"""Bad input, drawn from good input: what a disk, an editor or a stranger makes of a file."""

import random
from collections.abc import Callable

JUNK = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\r", b"\n", b'"', b"'", b",", b"|", b"[", b"]", b"{", b"}", b"=",
    b"\\", b"<script>", b"\x1b[2J", b"nan", b"inf", b"-1", b"1e999", b"9" * 400, b"null", b"true", b"[" * 3000,
    b"A" * 200_000, "\u202e\U0001f600".encode(), b"\t", b" ", b"#",
)  # fmt: skip


def spoilt(content: bytes, draw: random.Random) -> bytes:
    """``content`` after one to four accidents."""
    for _ in range(draw.randint(1, 4)):
        content = draw.choice(ACCIDENTS)(content, draw)
    return content


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randint(0, len(content))]


def _insert(content: bytes, draw: random.Random) -> bytes:
    place = draw.randint(0, len(content))
    return content[:place] + draw.choice(JUNK) + content[place:]


def _replace(content: bytes, draw: random.Random) -> bytes:
    start = draw.randint(0, len(content))
    return content[:start] + draw.choice(JUNK) + content[start + draw.randint(1, 20) :]


def _flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return content
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :]


def _lines(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    place = draw.randrange(len(lines))
    change = draw.randrange(4)
    if change == 0:
        del lines[place]
    elif change == 1:
        lines.insert(place, lines[place])
    elif change == 2:
        draw.shuffle(lines)
    else:
        lines[place] = lines[place].replace(b",", b"", 1)
    return b"".join(lines)


def _encode(content: bytes, draw: random.Random) -> bytes:
    encoding = draw.choice(["utf-16", "utf-32", "utf-8-sig", "cp037"])
    return content.decode("utf-8", "ignore").encode(encoding, "ignore")


def _number(content: bytes, draw: random.Random) -> bytes:
    """Another number in place of one."""
    places = [place for place, char in enumerate(content) if chr(char).isdigit()]
    if not places:
        return content
    place = draw.choice(places)
    return (
        content[:place]
        + draw.choice([b"-", b"0x", b"1e5", b"999999999999", b".", b'"3"', b"NaN"])
        + content[place + 1 :]
    )


ACCIDENTS: list[Callable[[bytes, random.Random], bytes]] = [_cut, _insert, _replace, _flip, _lines, _encode, _number]
