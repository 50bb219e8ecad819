"""A port that somebody else has: told at once, with its number, and nothing else suffers."""

import socket

from support.wire import answer, free_port, http_origin


def test_the_relays_own_port(lab):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = lab.adit("relay", "--listen", f"127.0.0.1:{port}", "--data", lab.folder / "data")
    assert done.returncode == 1
    assert str(port) in done.stderr and "in use" in done.stderr, done.stderr


def test_a_port_asked_for_by_a_tunnel(lab):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        relay = lab.relay("--tcp-ports", "1024-65535")
        agent = lab.agent("tcp", "3000", f":{port}", relay=relay)
        error = agent.wait_event("error")
        assert str(port) in error["what"]
        assert agent.wait_exit() == 1


def two_ports():
    """Two neighbouring ports, both held by us."""
    while True:
        first = socket.create_server(("127.0.0.1", 0))
        try:
            port = first.getsockname()[1]
            return first, socket.create_server(("127.0.0.1", port + 1)), port
        except OSError:
            first.close()


def test_an_assigned_port_is_another_one(lab):
    first, second, port = two_ports()
    second.close()
    with first:
        relay = lab.relay("--tcp-ports", f"{port}-{port + 1}")
        tunnel = lab.tcp(lab.origin(lambda wire: wire.send(b"here")), relay=relay)
        assert tunnel.port == port + 1
        assert lab.visit(tunnel).read_to_end() == b"here"


def test_without_any_free_port_the_agent_is_told_and_tries_again(lab):
    first, second, port = two_ports()
    with first:
        with second:
            relay = lab.relay("--tcp-ports", f"{port}-{port + 1}")
            agent = lab.agent("tcp", "3000", relay=relay)
            assert "in use" in agent.wait_event("error", fatal=False)["what"]
        assert lab.tunnel(agent).port == port + 1


def test_the_other_tunnels_of_the_file_go_on(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"web"))))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (lab.folder / "adit.yml").write_text(
            f"tunnels:\n  web: {origin.port}\n  ssh: {{target: 'tcp://127.0.0.1:22', port: {port}}}\n")
        agent = lab.agent("up", lab.folder / "adit.yml",
                          relay=lab.relay("--tcp-ports", "1024-65535"))
        assert str(port) in agent.wait_event("error")["what"]
        web = lab.tunnel(agent, name="web")
        assert lab.curl(web.url).body == b"web"
        assert agent.is_running()
