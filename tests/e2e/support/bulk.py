"""Much data with a known hash, made and checked on the way: no file, no copy in memory."""

import hashlib
import os

BLOCK_BYTES = 1 << 20
BLOCK = os.urandom(BLOCK_BYTES - 8)


def blocks(size):
    """size bytes, no two blocks the same, so that a lost or doubled one shows."""
    for at in range(0, size, BLOCK_BYTES):
        yield (at.to_bytes(8, "big") + BLOCK)[:size - at]


def digest(size):
    sha = hashlib.sha256()
    for block in blocks(size):
        sha.update(block)
    return sha.hexdigest()


def send(wire, size):
    for block in blocks(size):
        wire.send(block)


def receive(wire, size):
    """The digest of the next size bytes."""
    sha, left = hashlib.sha256(), size
    while left:
        block = wire.read_exact(min(left, BLOCK_BYTES))
        sha.update(block)
        left -= len(block)
    return sha.hexdigest()
