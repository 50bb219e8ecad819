"""The agent's address changes under it: connections through the tunnel go on."""

import time

from support import bulk

MB = 1 << 20
NOTICED_SECONDS = 6 + 3 + 2  # by a probe; the last two for a busy machine
TOLD_SECONDS = 2 + 2         # the system says that the network changed: probe now


def download_across(lab, wan, change, seconds):
    """A download, in the middle of which `change` happens; how long the line was away."""
    size = 12 * MB
    wan.set("delay=5ms", "rate=50mbit")
    with wan.world:
        relay = lab.relay(host=wan.world.address)
    with wan.home:
        tunnel = lab.tcp(lab.origin(lambda wire: bulk.send(wire, size)), relay=relay)
    with wan.world:
        visitor = lab.visit(tunnel)
    visitor.sock.settimeout(40)
    begin = visitor.read_exact(1000)
    change()
    changed_at = time.monotonic()
    tunnel.agent.wait_event("link", seconds=seconds, state="down")
    visitor.unread = begin
    assert bulk.receive(visitor, size) == bulk.digest(size)
    assert time.monotonic() - changed_at < seconds + 5
    assert len(tunnel.agent.events("link", state="up")) == 2
    return relay


def test_behind_a_router_that_moved(lab):
    wan = lab.wan(nat=True)
    relay = download_across(lab, wan, wan.rebind, NOTICED_SECONDS)
    relay.wait_line(r"session resumed.*10\.77\.2\.2")


def test_on_another_network(lab):
    wan = lab.wan()
    relay = download_across(lab, wan, lambda: wan.home.change_address("10.77.9.9"), TOLD_SECONDS)
    relay.wait_line(r"session resumed.*10\.77\.9\.9")


def test_a_change_that_does_not_matter(lab):
    """Another address comes; the link still works and is kept."""
    wan = lab.wan("delay=5ms")
    with wan.world:
        relay = lab.relay(host=wan.world.address)
    with wan.home:
        tunnel = lab.tcp(lab.origin(lambda wire: wire.send(wire.read_exact(2))), relay=relay)
    for n in range(3):
        wan.home.add_address(f"10.77.8.{n + 1}")
        time.sleep(1)
    with wan.world:
        visitor = lab.visit(tunnel)
    visitor.send(b"ok")
    assert visitor.read_exact(2) == b"ok"
    assert not tunnel.agent.events("link", state="down")
