"""Bytes with small damage, from a seed: what a person who knows where parsers differ would try."""

import os
import random

TOKENS = [
    b"\r", b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b" ", b"\t", b"\0", b"\x0b", b"\x7f", b"\x80",
    b"\xff",
    b":", b";", b",", b"=", b'"', b"+", b"-", b"0", b"1", b"x", b"0x", b"chunked", b"identity",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n", b"transfer_encoding: chunked\r\n", b"Content_Length: 5\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: Content-Length\r\n",
    b"Upgrade: x\r\nConnection: upgrade\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"HTTP/1.0",
    b" HTTP/1.1", b"\r\n ", b"\xc2\xa0", b"Host: x\r\n", b"X: y\r\n",
]


def rounds(count):
    """So many, and more in the long tests."""
    return count * max(1, int(os.environ.get("ADIT_TEST_SEEDS", "1")) // 10)


def mutated(rng, sound):
    """The sound bytes with one to three places changed."""
    data = bytearray(sound)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        how = rng.randrange(4)
        if how == 0:
            data[at:at] = rng.choice(TOKENS)
        elif how == 1:
            data[at:at + rng.randint(1, 3)] = b""
        elif how == 2:
            data[at:at + 1] = rng.choice(TOKENS)
        else:  # at the beginning of a line, where it counts
            lines = bytes(data).split(b"\n")
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(TOKENS).rstrip(b"\n"))
            data = bytearray(b"\n".join(lines))
    return bytes(data)


def seeded(seed):
    return random.Random(seed)
