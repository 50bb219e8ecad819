"""A slow line is no dead one, and cut again and again it still carries everything over."""

import pytest

from support import bulk

KB = 1 << 10


def download(lab, cutter, size):
    tunnel = lab.tcp(lab.origin(lambda wire: bulk.send(wire, size)), relay=cutter)
    visitor = lab.visit(tunnel)
    visitor.sock.settimeout(60)
    assert bulk.receive(visitor, size) == bulk.digest(size)
    return tunnel


def upload(lab, cutter, size):
    def handler(wire):
        wire.send(bulk.receive(wire, size).encode())
    tunnel = lab.tcp(lab.origin(handler), relay=cutter)
    visitor = lab.visit(tunnel)
    visitor.sock.settimeout(60)
    bulk.send(visitor, size)
    assert visitor.read_exact(64).decode() == bulk.digest(size)
    return tunnel


both_ways = pytest.mark.parametrize("carry", [download, upload])


@both_ways
def test_cut_again_and_again(lab, carry):
    cutter, size, cuts = lab.cutter(), 1024 * KB, 3
    cutter.slow_down(200 * KB)
    cutter.cut_every(size // (cuts + 1), cuts)
    tunnel = carry(lab, cutter, size)
    assert cutter.cuts_left == 0
    assert len(tunnel.agent.events("link", state="up")) == cuts + 1


@pytest.mark.long
@pytest.mark.limit(120)
@both_ways
def test_that_takes_many_seconds_for_what_lies_on_it(lab, carry):
    """And so does the answer to a PING behind that."""
    cutter = lab.cutter()
    cutter.slow_down(20 * KB)
    tunnel = carry(lab, cutter, 900 * KB)
    assert not tunnel.agent.events("link", state="down")
