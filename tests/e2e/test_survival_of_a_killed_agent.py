"""An agent that is killed and started again has its URL back at once; what it served is reset."""

import signal
import socket
import time

import pytest

from support.wire import answer, http_origin


def saying(lab, word):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(word))))


def again(lab, tunnel, kind="http", **how):
    """The same agent once more: same token, same state, same target."""
    agent = tunnel.agent
    return lab.tunnel(lab.agent(kind, tunnel.target, relay=agent.relay, token=agent.token,
                                state=agent.state, **how))


def test_the_url_is_back_at_once(lab):
    origin = saying(lab, b"here")
    web = lab.http(origin)
    web.target = origin.target
    for _ in range(3):
        web.agent.kill()
        started_at = time.monotonic()
        next_web = again(lab, web)
        assert next_web.url == web.url
        assert lab.curl(web.url).body == b"here"
        assert time.monotonic() - started_at < 2
        next_web.target = origin.target
        web = next_web


def test_also_if_its_old_line_still_seems_to_stand(lab):
    """The machine lost its power: the relay was told nothing."""
    origin = saying(lab, b"here")
    cutter = lab.cutter()
    web = lab.http(origin, relay=cutter)
    web.target = origin.target
    cutter.silence()
    web.agent.kill()
    web.agent.relay = lab.the_relay
    started_at = time.monotonic()
    assert again(lab, web).name == web.name
    assert lab.get(web).body == b"here"
    assert time.monotonic() - started_at < 3


def test_its_visitors_are_reset_not_ended(lab):
    def handler(wire):
        wire.send(b"hello")
        wire.read_to_end()
    relay = lab.relay("--grace", "2s")
    tunnel = lab.tcp(lab.origin(handler), relay=relay)
    visitor = lab.visit(tunnel)
    assert visitor.read_exact(5) == b"hello"
    tunnel.agent.kill()
    with pytest.raises(ConnectionResetError):
        visitor.read_to_end()


def test_its_visitors_are_reset_when_the_next_one_takes_over(lab):
    def handler(wire):
        wire.send(b"hello")
        wire.read_to_end()
    origin = lab.origin(handler)
    tunnel = lab.tcp(origin)
    tunnel.target = f"tcp://127.0.0.1:{origin.port}"
    visitor = lab.visit(tunnel)
    assert visitor.read_exact(5) == b"hello"
    tunnel.agent.kill()
    next_tunnel = again(lab, tunnel, kind="tcp")
    assert next_tunnel.port == tunnel.port
    visitor.sock.settimeout(5)
    with pytest.raises(ConnectionResetError):
        visitor.read_to_end()
    assert lab.visit(next_tunnel).read_exact(5) == b"hello"


def test_a_second_agent_of_the_name_is_refused_naming_the_machine(lab):
    web = lab.http(saying(lab, b"first"), "blog")
    other = lab.agent("http", "3000", "blog", relay=web.agent.relay, token=web.agent.token)
    error = other.wait_event("error")
    assert socket.gethostname() in error["what"], error
    assert error["fatal"] and error["fix"]
    assert other.wait_exit() == 1
    assert lab.curl(web.url).body == b"first"


def test_two_shells_do_not_evict_each_other_for_ever(lab):
    """The same identity started twice: one of them has the name, the other ends and says why."""
    origin = saying(lab, b"x")
    web = lab.http(origin, "blog")
    second = lab.agent("http", origin.target, "blog", relay=web.agent.relay,
                       token=web.agent.token, state=web.agent.state)
    assert second.wait_event("error")["what"]
    assert second.wait_exit() == 1
    time.sleep(1)
    assert web.agent.is_running()
    assert lab.curl(web.url).body == b"x"


def test_a_paused_agent_goes_on_where_it_was(lab):
    def echo(wire):
        while data := wire.read_some():
            wire.send(data)
    tunnel = lab.tcp(lab.origin(echo))
    visitor = lab.visit(tunnel)
    visitor.send(b"before")
    assert visitor.read_exact(6) == b"before"
    tunnel.agent.signal(signal.SIGSTOP)
    visitor.send(b"meanwhile")
    time.sleep(5)
    tunnel.agent.signal(signal.SIGCONT)
    assert visitor.read_exact(9) == b"meanwhile"
    assert not tunnel.agent.events("link", state="down")


@pytest.mark.limit(90)
def test_an_agent_paused_for_longer_than_grace_starts_anew(lab):
    def echo(wire):
        while data := wire.read_some():
            wire.send(data)
    tunnel = lab.tcp(lab.origin(echo), relay=lab.relay("--grace", "2s"))
    visitor = lab.visit(tunnel)
    visitor.send(b"before")
    assert visitor.read_exact(6) == b"before"
    tunnel.agent.signal(signal.SIGSTOP)
    visitor.sock.settimeout(30)
    with pytest.raises(ConnectionResetError):  # noticed after 9 s at most 15 s, then the grace
        visitor.read_to_end()
    tunnel.agent.signal(signal.SIGCONT)

    def works():
        with lab.visit(tunnel) as new:
            new.send(b"new")
            return new.read_exact(3) == b"new"
    lab.eventually(works)
    assert tunnel.agent.wait_event("stream")["reason"]
