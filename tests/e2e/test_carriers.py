"""Every carrier brings the same page over the relay's one port."""

import pytest

from support.wire import answer, http_origin, random_bytes


@pytest.mark.parametrize("carrier", ["tls", "wss", "ws", "tcp"])
def test_a_page_over(lab, carrier):
    data = random_bytes(3 << 20)
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(data))))
    web = lab.http(origin, carrier=carrier)
    assert lab.curl(web.url).body == data
    assert web.agent.wait_event("link", carrier=carrier)


def test_visitors_and_agents_share_the_port(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"shared"))))
    web = lab.http(origin)
    assert lab.the_relay.port == web.port
    for scheme in ("http", "https"):
        assert lab.curl(f"{scheme}://{web.host}/").body == b"shared"


def test_a_wrong_pin_is_never_trusted(lab):
    relay = lab.relay()
    relay.pin = "sha256:" + "A" * 43 + "="
    agent = lab.agent("http", "3000", relay=relay)
    agent.wait_line("pin|certificate")
    assert not agent.events("tunnel")


def test_an_unpinned_self_signed_relay_is_never_trusted(lab):
    relay, other = lab.relay(), lab.relay()
    agent = lab.start("http", "3000", "--relay", relay.url(), "--token", "x", "--json",
                      "--ca", other.data / "relay.crt")  # some machines have no roots at all
    agent.wait_line("certificate|pin")
    assert not agent.events("tunnel")
