"""An agent that comes again while its old session still seems to stand: the old one is over at
once, says so, and its visitors do not wait for it."""

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import link as say
from support.link import Link
from support.wire import answer, http_origin

SUPERSEDED = 8


def bind(line, name, tunnel=1):
    line.tell(say.message(type="bind", tunnel=tunnel, key=name, kind="http", names=[name],
                          target="http://127.0.0.1:1"))
    return line.wait_message("bound")


def request(lab, relay, name):
    visitor = lab.visit(relay)
    visitor.send(f"GET / HTTP/1.1\r\nHost: {name}.localhost:{relay.port}\r\n\r\n".encode())
    return visitor


def sessions(lab, relay):
    done = lab.adit("status", "--json", "--data", relay.data)
    return json.loads(done.stdout)["sessions"]


def test_the_same_run_logs_in_again(lab):
    """It lost its session without our knowing; the old link would still answer."""
    relay = lab.relay()
    token = lab.token(relay, "t")
    agent = say.Agent(lab.folder)
    old = Link(relay).log_in(token, agent)
    assert bind(old, "blog")["urls"]
    visitor = request(lab, relay, "blog")
    old.wait(say.OPEN)
    new = Link(relay).log_in(token, agent)
    assert bind(new, "blog")["urls"]
    assert old.wait_message("unbound")["code"] == SUPERSEDED
    assert old.ends()
    visitor.sock.settimeout(3)
    head, _ = visitor.read_response()
    assert head.status == 503
    relay.wait_line("session over.*took its tunnels over")
    assert len(sessions(lab, relay)) == 1
    visitor = request(lab, relay, "blog")
    _, stream, _ = new.wait(say.OPEN)
    new.send(say.reset(stream))
    assert visitor.read_response()[0].status == 502


def test_an_agent_that_stands_still(lab):
    """Its kernel still acknowledges what we send: only its own answers count."""
    def handler(wire):
        wire.send(b"hello")
        wire.read_to_end()
    tunnel = lab.tcp(lab.origin(handler))
    visitor = lab.visit(tunnel)
    assert visitor.read_exact(5) == b"hello"
    old = tunnel.agent
    old.signal(signal.SIGSTOP)
    started_at = time.monotonic()
    new = lab.agent("tcp", old.command[2], relay=old.relay, token=old.token, state=old.state)
    assert lab.tunnel(new).port == tunnel.port
    with pytest.raises(ConnectionResetError):
        visitor.read_to_end()
    assert time.monotonic() - started_at < 3
    assert len(sessions(lab, old.relay)) == 1
    old.signal(signal.SIGCONT)
    assert "another agent took over" in old.wait_event("error", fatal=True)["what"]
    assert old.wait_exit() == 1
    assert len(old.events("error")) == 1
    assert lab.visit(tunnel).read_exact(5) == b"hello"


def test_no_visitor_hears_that_there_is_no_such_tunnel(lab):
    """Also in the moment in which the name goes over."""
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    web = lab.http(origin)
    agent, heard, is_over = web.agent, [], threading.Event()

    def visit_all_the_time():
        while not is_over.is_set():
            heard.append(request(lab, agent.relay, web.name).read_response()[0].status)
    visitors = [threading.Thread(target=visit_all_the_time) for _ in range(2)]
    for thread in visitors:
        thread.start()
    try:
        for _ in range(5):
            agent.kill()
            agent = lab.agent("http", origin.target, relay=agent.relay, token=agent.token,
                              state=agent.state)
            assert lab.tunnel(agent).name == web.name
            time.sleep(0.3)
    finally:
        is_over.set()
    for thread in visitors:
        thread.join(20)
    assert set(heard) <= {200, 503}, set(heard)
    assert heard.count(503) <= 2 * 5 < heard.count(200)  # those that were with the dead agent


def test_who_waits_for_an_agent_is_served_by_its_next_run(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here"))))
    relay = lab.relay("--workers", "2")
    webs = [lab.http(origin, relay=relay, token=lab.token(relay, f"t{n}")) for n in range(2)]
    # One connection to each worker, none of which can be moved any more.
    visitors = [lab.visit(relay) for _ in webs]
    for visitor, web in zip(visitors, webs):
        visitor.send(web.request())
        assert visitor.read_response()[1] == b"here"
    for n, web in enumerate(webs):
        web.agent.kill()
        lab.eventually(lambda: sum("link lost" in line for line in relay.stderr()) == n + 1)
        for visitor in visitors:
            visitor.send(web.request())
        time.sleep(0.2)
        lab.agent("http", origin.target, relay=relay, token=web.agent.token,
                  state=web.agent.state)
        for visitor in visitors:
            assert visitor.read_response()[1] == b"here"


def test_no_visitor_of_a_port_is_refused(lab):
    """Who comes in the moment in which the port goes over waits in its socket."""
    def handler(wire):
        wire.send(b"hello")
        wire.read_to_end()
    tunnel = lab.tcp(lab.origin(handler))
    agent = tunnel.agent

    def visit_until(is_over):
        while not is_over.is_set():
            try:
                lab.visit(tunnel).close()
            except ConnectionResetError:
                pass  # it was with the dead agent already
    for _ in range(5):
        agent.kill()
        agent = lab.agent("tcp", agent.command[2], relay=agent.relay, token=agent.token,
                          state=agent.state)
        is_over = threading.Event()
        with ThreadPoolExecutor() as pool:
            visits = pool.submit(visit_until, is_over)
            assert lab.tunnel(agent).port == tunnel.port
            is_over.set()
            visits.result(10)
    assert lab.visit(tunnel).read_exact(5) == b"hello"


def echo(wire):
    while data := wire.read_some():
        wire.send(data)


def is_echoed(visitor):
    visitor.send(b"x")
    return visitor.read_exact(1) == b"x"


def test_a_session_whose_stream_ids_are_used_up(lab):
    """Its agent is asked to log in beside it: no visitor notices, and it ends with its last one."""
    config = lab.folder / "relay.yml"
    config.write_text("limits: {session_streams: 5}\n")
    tunnel = lab.tcp(lab.origin(echo), relay=lab.relay("--config", config))
    first = lab.visit(tunnel)
    assert is_echoed(first)
    for _ in range(4):
        with lab.visit(tunnel) as visitor:
            assert is_echoed(visitor)
    lab.eventually(lambda: len(sessions(lab, lab.the_relay)) == 2)
    assert tunnel.port == lab.tunnel(tunnel.agent).port
    for _ in range(3):
        with lab.visit(tunnel) as visitor:
            assert is_echoed(visitor)
    assert is_echoed(first)
    first.close()
    lab.eventually(lambda: len(sessions(lab, lab.the_relay)) == 1)
    assert not tunnel.agent.events("link", state="down")
    assert not tunnel.agent.events("error")


def test_a_busy_tunnel_that_uses_up_one_session_after_the_other(lab):
    config = lab.folder / "relay.yml"
    config.write_text("limits: {session_streams: 50, origin_idle_max: 0}\n")
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(b"here")))),
                   relay=lab.relay("--config", config))
    for _ in range(400):
        assert request(lab, lab.the_relay, web.name).read_response()[1] == b"here"
    relay = lab.the_relay
    assert sum("is used up" in line for line in relay.stderr()) >= 3
    lab.eventually(lambda: len(sessions(lab, relay)) == 1)
    assert not web.agent.events("link", state="down")


def detached(lab, relay):
    return [s for s in sessions(lab, relay) if not s["attached"]]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_is_killed_again_and_again_leaves_two_sessions_at_most(lab, workers):
    """Each run publishes something else, so that none takes over from the one before."""
    def handler(wire):
        wire.send(b"hello")
        wire.read_to_end()
    relay = lab.relay("--workers", workers)
    token, state, visitors = lab.token(relay, "t"), lab.folder / "state", []
    for run in range(1, 6):
        tunnel = lab.tcp(lab.origin(handler), relay=relay, token=token, state=state)
        visitors.append(lab.visit(tunnel))
        assert visitors[-1].read_exact(5) == b"hello"
        tunnel.agent.kill()
        lab.eventually(lambda: len(detached(lab, relay)) == min(run, 2))
        assert len(sessions(lab, relay)) == min(run, 2)
    for visitor in visitors[:-2]:
        with pytest.raises(ConnectionResetError):
            visitor.read_to_end()
    for visitor in visitors[-2:]:
        visitor.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            visitor.read_to_end()
    assert lab.tcp(lab.origin(handler), relay=relay, token=token, state=state)


def test_processes_of_one_agent_that_lose_their_links_together_keep_their_sessions(lab):
    relay = lab.relay()
    token, agent = lab.token(relay, "t"), say.Agent(lab.folder)
    links = [Link(relay).log_in(token, agent, run=bytes([n]) * 16) for n in range(4)]
    for n, link in enumerate(links):
        assert bind(link, f"name{n}")["urls"]
    for link in links:
        link.close()
    lab.eventually(lambda: len(detached(lab, relay)) == 4)
    another = Link(relay).log_in(token, agent, run=b"5" * 16)
    assert bind(another, "name5")["urls"]
    assert len(detached(lab, relay)) == 4
