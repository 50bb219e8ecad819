"""What breaks the link protocol ends that link, with a line in the log, and disturbs nobody:
strangers before they log in, and agents that turn bad afterwards."""

import os
import struct

import pytest

from support import link as say
from support.lab import memory_bytes
from support.link import Link


def cpu_seconds(process):
    fields = open(f"/proc/{process.popen.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lines_of(relay, text):
    return sum(text in line for line in relay.stderr())


BEFORE_LOGIN = {
    "no HELLO": b"adit" + say.frame(say.PING, 0, bytes(8)),
    "a short HELLO": b"adit" + say.frame(say.HELLO, 0, bytes(10)),
    "a HELLO above its limit": b"adit" + say.frame(say.HELLO, 0, bytes(65528)),
    "a length above the limit": b"adit" + struct.pack(">HBBI", 65535, say.HELLO, 0, 0),
    "no version in common": say.hello((5, 9)),
    "versions the wrong way round": say.hello((9, 5)),
    "no window": say.hello(window=0),
    "a huge window": say.hello(window=2**32 - 1),
    "garbage as LOGIN": say.hello() + say.frame(say.LOGIN, 0, b"\xff" * 200),
    "a token above its limit": say.hello() + say.login("x" * 2000),
    "an unknown token": say.hello() + say.login("x"),
    "two tokens": say.hello() + say.frame(say.LOGIN, 0, say.fact(1, b"a", True) * 2),
    "a name with control characters": say.hello() + say.frame(say.LOGIN, 0,
                                                              say.fact(2, b"a\n\x1b[31m")),
    "a short RESUME": say.hello() + say.frame(say.RESUME, 0, bytes(63)),
    "half a row": say.hello() + say.frame(say.RESUME, 0, bytes(64 + 23)),
    "a table of nothing": say.hello() + say.frame(say.TABLE, 0, bytes(24)),
    "an endless table": say.hello() + say.frame(say.RESUME, 0, bytes(64), say.MORE)
                        + say.frame(say.TABLE, 0, bytes(24 * 2000), say.MORE) * 50,
}


@pytest.mark.parametrize("carrier", ["tcp", "wss"])
def test_strangers_are_sent_away(lab, web, carrier):
    relay = web.agent.relay
    for what, sent in BEFORE_LOGIN.items():
        before = len(relay.stderr())
        link = Link(relay, carrier)
        link.send(sent)
        assert link.ends(), what
        lab.eventually(lambda: len(relay.stderr()) > before)
        assert len(relay.stderr()) == before + 1, (what, relay.stderr()[before:])
        link.close()
    assert lab.curl(web.url).status == 200


FOREVER = 2**62
AFTER_LOGIN = {
    "a frame nobody knows": say.frame(0x50),
    "another LOGIN": say.login("x"),
    "another RESUME": say.frame(say.RESUME, 0, bytes(64)),
    "an id with its top bit": struct.pack(">HBBI", 0, say.OPEN, 0, 1 << 31 | 1),
    "a length above the limit": struct.pack(">HBBI", 65535, say.DATA, 0, 1),
    "flags of another frame": say.frame(say.PING, 0, bytes(8), flags=1),
    "a short PING": say.frame(say.PING, 0, b"x"),
    "a short OPEN": say.frame(say.OPEN, 1, b"xx"),
    "the id of the other side": say.open_stream(2),
    "OPEN of CONTROL": say.open_stream(0),
    "an id used twice": say.open_stream(1) + say.open_stream(1),
    "a thousand ids skipped": say.open_stream(2**20 + 1),
    "a thousand refusals unanswered": b"".join(say.open_stream(1 + 2 * i) for i in range(1100)),
    "pieces with gaps": say.data(1, b"x", 0) + say.data(0, b"x", 2),
    "DATA of what never was": say.data(2, b"x", 0),
    "CONTROL beyond its credit": say.data(0, b"x" * 20000, 0),
    "the end of CONTROL": say.data(0, b"x", 0, say.FIN),
    "a message of no bytes": say.data(0, bytes(4), 0),
    "a message of four gigabytes": say.data(0, b"\xff" * 4 + b"x", 0),
    "WINDOW of what never was": say.window(2, 0, 1),
    "more acknowledged than sent": say.window(0, FOREVER - 1, FOREVER),
    "credit for ever": say.window(0, 0, 2**64 - 1),
    "an ACK of nothing": say.ack(),
    "an ACK of 65 rows": say.ack(*[(0, 0)] * 65),
    "an ACK of what was never sent": say.ack((0, FOREVER)),
    "STOP of CONTROL": say.frame(say.STOP, 0, b"\0\1"),
    "RESET of CONTROL": say.reset(0),
    "RESET of what never was": say.reset(2),
    "RESET_ACK of what never was": say.frame(say.RESET_ACK, 2),
    "a message that is no JSON": say.data(0, struct.pack(">I", 5) + b"xxxxx", 0),
    "a message that is no object": say.data(0, struct.pack(">I", 2) + b"[]", 0),
    "a message nested too deep": say.data(0, struct.pack(">I", 9000) + b"[" * 9000, 0),
    "a field of a wrong type": say.data(0, say.message(type="bind", tunnel="x"), 0),
}


@pytest.mark.parametrize("carrier", ["tcp", "tls", "wss"])
def test_agents_that_break_the_protocol_lose_their_session(lab, web, token, carrier):
    relay = web.agent.relay
    for what, sent in AFTER_LOGIN.items():
        before = len(relay.stderr()) + 1
        link = Link(relay, carrier).log_in(token)
        lab.eventually(lambda: len(relay.stderr()) == before)  # it has logged in
        link.send(sent)
        assert link.ends() and link.is_blamed(), what
        link.close()
        lab.eventually(lambda: len(relay.stderr()) > before)
        said = relay.stderr()[before:]
        assert len(said) == 1 and "the agent broke the protocol" in said[0], (what, said)
    assert lab.curl(web.url).status == 200


@pytest.mark.parametrize("sent", [b"a", b"adi"])
def test_half_a_magic_and_the_end_cost_nothing(lab, web, sent):
    relay = web.agent.relay
    visitor = lab.visit(relay)
    visitor.send(sent)
    visitor.half_close()
    before = cpu_seconds(relay)
    visitor.sock.settimeout(3)
    try:
        assert visitor.read_to_end() == b""
    except ConnectionResetError:
        pass
    assert cpu_seconds(relay) - before < 0.5


def test_only_one_resume_may_be_tried(lab, web):
    relay = web.agent.relay
    link = Link(relay)
    link.send(say.hello(), say.frame(say.RESUME, 0, bytes(64)) * 50)
    link.wire.read_exact(4)
    assert link.ends()
    lab.eventually(lambda: lines_of(relay, "unexpected RESUME") == 1)
    assert lines_of(relay, "resume of an unknown session") == 1


def test_tables_of_strangers_are_bounded_together(lab, web):
    relay = web.agent.relay
    before = relay.peak_memory_bytes()
    links = []
    for _ in range(80):
        links.append(Link(relay))
        links[-1].send(say.hello(), say.frame(say.RESUME, 0, bytes(64), say.MORE))
    refused = 0
    for link in links:
        try:
            link.send(say.frame(say.TABLE, 0, bytes(24 * 2700), say.MORE) * 30)
        except ConnectionError:
            refused += 1
    lab.eventually(lambda: lines_of(relay, "too many resumes with large tables at once") >= 10)
    assert relay.peak_memory_bytes() - before < memory_bytes(100 << 20)  # not 80 times 2 MiB
    assert lab.curl(web.url).status == 200
    for link in links:
        link.close()


def test_tunnels_may_come_and_go_without_end(lab, web, token):
    """One after the other, more than a session may have at a time."""
    link = Link(web.agent.relay).log_in(token)
    limit = 16384
    for tunnel in range(1, 1201):
        raw = say.message(type="bind", tunnel=tunnel, key="a", kind="http", names=["in-and-out"])
        raw += say.message(type="unbind", tunnel=tunnel)
        while link.told + len(raw) > limit:
            limit = link.wait_control_limit()
        link.tell(raw)
    link.tell(say.message(type="bind", tunnel=5000, key="b", kind="http", names=["stays"]))
    while (bound := link.wait_message("bound"))["tunnel"] != 5000:
        pass
    assert "stays" in bound["urls"][0]
    assert lines_of(web.agent.relay, "too many tunnels") == 0
    link.close()
