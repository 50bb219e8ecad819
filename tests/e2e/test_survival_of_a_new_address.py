"""The agent's address changes under it: connections through the tunnel go on."""

from support import bulk

MB = 1 << 20


def download_across(lab, wan, change):
    """A download, in the middle of which `change` happens."""
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
    visitor.unread = begin
    assert bulk.receive(visitor, size) == bulk.digest(size)
    assert len(tunnel.agent.events("link", state="up")) == 2
    return relay


def test_behind_a_router_that_moved(lab):
    wan = lab.wan(nat=True)
    relay = download_across(lab, wan, wan.rebind)
    relay.wait_line(r"session resumed.*10\.77\.2\.2")


def test_on_another_network(lab):
    wan = lab.wan()
    relay = download_across(lab, wan, lambda: wan.home.change_address("10.77.9.9"))
    relay.wait_line(r"session resumed.*10\.77\.9\.9")
