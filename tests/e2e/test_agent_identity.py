"""An agent is who its secret makes it: its id alone is worth nothing."""

import ssl
import struct

import pytest

from support import link as say
from support.link import LOGGED_IN, REFUSED, Link
from support.wire import answer, http_origin

IDENTITY = 8


def id_of(agent):
    """What another agent of the machine, or the log of a relay, might know of it."""
    return bytes.fromhex((agent.state / "agent").read_text().split()[1])


def saying(lab, word):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(word))))


def bind(link, name):
    link.tell(say.message(type="bind", tunnel=1, key="web", kind="http", names=[name]))


def without_token(lab, relay, origin, state):
    agent = lab.start("http", origin.target, "blog", "--relay", relay.url(), "--pin", relay.pin,
                      "--state", state, "--json")
    agent.state = state
    return lab.tunnel(agent)


def test_the_id_of_another_gives_no_right_to_its_name(lab):
    relay = lab.relay("--open")  # here names belong to agents
    web = without_token(lab, relay, saying(lab, b"true"), lab.folder / "state1")
    web.agent.stop()  # its name stays reserved
    impostor = Link(relay)
    impostor.greet(node=id_of(web.agent))
    impostor.send(say.frame(say.LOGIN))
    impostor.wait(LOGGED_IN)
    bind(impostor, "blog")
    assert "blog belongs to another agent" in impostor.wait_message("bound")["sentence"]
    again = without_token(lab, relay, saying(lab, b"again"), web.agent.state)
    assert lab.curl(again.url).body == b"again"


@pytest.mark.parametrize("carrier", ["tcp", "tls", "wss"])
@pytest.mark.parametrize("proof", [b"p" * 96, b"p" * 128])
def test_a_proof_that_is_none_is_refused(lab, carrier, proof):
    relay = lab.relay()
    link = Link(relay, carrier)
    link.greet()
    token = lab.token(relay, "t").encode()
    link.send(say.frame(say.LOGIN, 0, say.fact(1, token, critical=True) + say.fact(7, proof)))
    assert struct.unpack(">H", link.wait(REFUSED)[2][:2])[0] == IDENTITY
    relay.wait_line("login refused.*proof of the agent's id is wrong")


@pytest.mark.parametrize("carrier", ["tls", "wss", "tcp", "ws"])
def test_an_agent_proves_itself_over_every_carrier(lab, carrier):
    """The same agent is taken for the same one: its words come again."""
    first = lab.http("3000", carrier=carrier)
    first.agent.stop()
    again = lab.http("3000", carrier=carrier, token=first.agent.token, state=first.agent.state)
    assert again.name == first.name


def test_an_agent_proves_itself_through_a_proxy_that_ends_tls(lab):
    """The agent's end has an exporter, the relay's has none to compare."""
    relay = lab.relay()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(relay.data / "relay.crt", relay.data / "relay.key")
    context.set_alpn_protocols(["http/1.1"])
    proxy = lab.cutter(relay, tls=context)
    token = lab.token(relay, "t")
    first = lab.http("3000", relay=proxy, token=token, carrier="wss")
    first.agent.stop()
    again = lab.http("3000", relay=proxy, token=token, carrier="wss", state=first.agent.state)
    assert again.name == first.name
