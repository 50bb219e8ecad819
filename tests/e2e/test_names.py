"""Who gets which name, and who keeps it."""

import re
import signal
import socket

import pytest

from support.wire import answer, free_port, http_origin


def saying(lab, word):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(word))))


def test_two_words_the_same_again(lab):
    origin = saying(lab, b"x")
    first = lab.http(origin)
    assert re.fullmatch(r"[a-z]+-[a-z]+(-[a-z0-9]+)?", first.name)
    first.agent.stop()
    again = lab.http(origin, token=first.agent.token, state=first.agent.state)
    assert again.name == first.name


def test_a_name_of_another_token_is_refused_naming_it(lab):
    relay = lab.relay()
    lab.http("3000", "blog", relay=relay, token=lab.token(relay, "bob"))
    agent = lab.agent("http", "3000", "blog", relay=relay, token=lab.token(relay, "ann"))
    assert "blog belongs to token bob" in agent.wait_event("error")["what"]
    assert agent.wait_exit() == 1


def test_a_name_stays_reserved_after_its_agent_left(lab):
    relay = lab.relay()
    lab.http("3000", "blog", relay=relay, token=lab.token(relay, "bob")).agent.stop()
    relay.stop()
    relay = lab.restart(relay)
    agent = lab.agent("http", "3000", "blog", relay=relay, token=lab.token(relay, "ann"))
    assert "bob" in agent.wait_event("error")["what"]
    assert agent.wait_exit() == 1


def test_a_killed_agent_is_taken_over_at_once(lab):
    first = lab.http(saying(lab, b"first"), "blog")
    first.agent.signal(signal.SIGSTOP)  # its connection stays open and silent
    second = lab.http(saying(lab, b"second"), "blog", token=first.agent.token,
                      state=first.agent.state)
    assert lab.curl(second.url).body == b"second"
    first.agent.kill()


def test_another_agent_of_the_same_token_is_refused_unless_both_share(lab):
    relay = lab.relay()
    token = lab.token(relay, "t")
    lab.http(saying(lab, b"1"), "blog", relay=relay, token=token)
    other = lab.agent("http", "3000", "blog", relay=relay, token=token)
    error = other.wait_event("error")
    assert "blog is served by" in error["what"]
    assert error["fix"] == "stop it there, or say --share on both"
    assert other.wait_exit() == 1


@pytest.mark.parametrize("words", (["http", "3000", "www"], ["tcp", "22", ":80"]))
def test_what_no_token_opens_is_not_blamed_on_the_token(lab, words):
    agent = lab.agent(*words)
    error = agent.wait_event("error")
    assert "relay" in error["what"]
    assert "token" not in error["fix"]
    assert agent.wait_exit() == 1


def test_shared_names_are_served_by_both(lab):
    relay = lab.relay()
    token = lab.token(relay, "t")
    web = lab.http(saying(lab, b"1"), "blog", "--share", relay=relay, token=token)
    lab.http(saying(lab, b"2"), "blog", "--share", relay=relay, token=token)
    assert {lab.curl(web.url).body for _ in range(20)} == {b"1", b"2"}


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


def test_without_a_domain_each_tunnel_has_a_port_also_if_it_has_a_name(lab):
    address = own_address()
    if not address or address.startswith("127."):
        pytest.skip("this machine has loopback only")
    port = free_port()
    relay = lab.start("relay", "--listen", f"0.0.0.0:{port}", "--data", lab.folder / "d")
    login = relay.wait_line(r"adit login (\S+)").group(1)
    assert login.startswith(f"{address}:{port}#")
    assert lab.adit("login", login).returncode == 0
    config = lab.folder / "adit.yml"
    config.write_text(f"tunnels:\n  web: {saying(lab, b'web').port}\n"
                      f"  wiki: {saying(lab, b'wiki').port}\n")
    agent = lab.start("up", config, "--json")
    for name in ("web", "wiki"):
        tunnel = lab.tunnel(agent, name=name)
        assert tunnel.url == f"http://{address}:{tunnel.port}"
        assert lab.curl(tunnel.url).body == name.encode()
