"""Which public port a TCP tunnel gets, and that it keeps it."""

from support.wire import free_port


def greeter(lab, word=b"hello"):
    return lab.origin(lambda wire: wire.send(word))


def test_the_port_asked_for(lab):
    relay = lab.relay("--tcp-ports", "1024-65535")
    port = free_port()
    tunnel = lab.tcp(greeter(lab), f":{port}", relay=relay)
    assert tunnel.url == f"tcp://127.0.0.1:{port}"
    assert lab.visit(tunnel).read_to_end() == b"hello"


def test_a_port_nobody_asked_for_is_assigned(lab):
    tunnel = lab.tcp(greeter(lab), relay=lab.relay("--tcp-ports", "20000-32767"))  # the default
    assert 20000 <= tunnel.port <= 32767
    assert lab.visit(tunnel).read_to_end() == b"hello"


def test_two_tunnels_get_two_ports(lab):
    first, second = lab.tcp(greeter(lab, b"first")), lab.tcp(greeter(lab, b"second"))
    assert first.port != second.port
    assert lab.visit(first).read_to_end() == b"first"
    assert lab.visit(second).read_to_end() == b"second"


def test_the_same_port_after_the_agent_was_killed(lab):
    origin = greeter(lab)
    first = lab.tcp(origin)
    first.agent.kill()
    again = lab.tcp(origin, relay=first.agent.relay, token=first.agent.token,
                    state=first.agent.state)
    assert again.port == first.port
    assert lab.visit(again).read_to_end() == b"hello"


def test_the_same_port_after_the_relay_restarted(lab):
    tunnel = lab.tcp(greeter(lab))
    relay = lab.the_relay
    relay.kill()
    lab.restart(relay)
    lab.eventually(lambda: lab.visit(tunnel).read_to_end() == b"hello")


def test_a_port_outside_the_range_is_refused(lab):
    relay = lab.relay("--tcp-ports", "30000-30010")
    agent = lab.agent("tcp", "22", ":31000", relay=relay)
    assert "30000-30010" in str(agent.wait_event("error"))
    assert agent.wait_exit() == 1


def test_a_port_in_use_by_a_stranger_is_told(lab):
    relay = lab.relay("--tcp-ports", "1024-65535")
    taken = lab.origin(lambda wire: None)
    agent = lab.agent("tcp", "22", f":{taken.port}", relay=relay)
    assert str(taken.port) in str(agent.wait_event("error"))
    assert agent.wait_exit() == 1
