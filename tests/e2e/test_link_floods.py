"""Floods of frames. Those that pile something up end the flooder's link; those that are valid and
cheap may go on for ever, and cost no memory and nobody else's time."""

import os
import statistics
import threading
import time

import pytest

from support import link as say
from support.lab import ADIT, memory_bytes
from support.link import Link
from support.wire import answer, connect, http_origin

CARRIERS = ["tcp", "tls", "wss"]
ASKED = 10  # requests of somebody else during a flood
MB = 1 << 20


@pytest.fixture
def web(lab):
    """The tunnel of somebody else, that must go on answering."""
    lab.env["ASAN_OPTIONS"] += ":quarantine_size_mb=4"  # what it keeps of freed memory: 256
    lab.relay("--workers", "1")  # the flooder's too
    tunnel = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer()))))
    lab.the_relay.wait_line("tunnel bound")
    return tunnel


def breaches(relay):
    return sum("the agent broke the protocol" in line for line in relay.stderr())


def opens(first, count):
    return b"".join(say.open_stream(1 + 2 * i) for i in range(first, first + count))


def opens_and_resets(first, count):
    return b"".join(say.open_stream(1 + 2 * i) + say.reset(1 + 2 * i)
                    for i in range(first, first + count))


UNREAD = {
    "PING": lambda i: say.frame(say.PING, 0, bytes(8)) * 500,
    "OPEN": lambda i: opens(i * 500, 500),
    "OPEN and RESET": lambda i: opens_and_resets(i * 500, 500),
    "RESET": lambda i: say.reset(1) * 500 if i else say.open_stream(1) + say.reset(1),
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("what", UNREAD)
def test_answers_nobody_reads_end_the_link(lab, web, token, carrier, what):
    relay = web.agent.relay
    link = Link(relay, carrier).log_in(token)
    link.wire.sock.settimeout(5)
    try:
        for i in range(10000):
            link.send(UNREAD[what](i))
            if breaches(relay):
                break
    except (ConnectionError, TimeoutError, OSError):
        pass
    lab.eventually(lambda: breaches(relay) == 1)
    link.close()
    assert lab.curl(web.url).status == 200
    assert relay.peak_memory_bytes() < memory_bytes(64 * MB)


def bind_port(link):
    """A tcp tunnel of the villain's; the port."""
    link.tell(say.message(type="bind", tunnel=1, key="a", kind="tcp"))
    said = b""
    while b'"port":' not in said:
        said += link.wait(say.DATA)[2]
    return int(said.split(b'"port":')[1].split(b",")[0].split(b"}")[0])


CHEAP = {
    "PING, all answers read": lambda i: say.frame(say.PING, 0, bytes(8)) * 300,
    "PONG": lambda i: say.frame(say.PONG, 0, bytes(8)) * 300,
    "GOAWAY": lambda i: say.frame(say.GOAWAY, 0, b"\0\4") * 300,
    "WINDOW of CONTROL": lambda i: say.window(0, 0, 16384 + i) * 300,
    "WINDOW of a stream": lambda i: say.window(2, 0, 32768 + i) * 300,
    "ACK": lambda i: say.ack(*[(2, 0)] * 64) * 8,
    "STOP": lambda i: say.frame(say.STOP, 2, b"\0\7") * 300,
    "bytes again": lambda i: say.data(2, b"x", 0) * 300,
    "OPEN, all refused": lambda i: opens(i * 100, 100),
    "what may be skipped": lambda i: say.frame(0x70, 0, bytes(100), 0x80) * 100,
}


def cpu_seconds(process):
    fields = open(f"/proc/{process.popen.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Flooder:
    """Sends as fast as it can, but reads what it is answered, and answers RESETs itself."""

    def __init__(self, link, some):
        self.link, self.some = link, some
        self.rounds = self.owed = 0

    def step(self):
        frames = self.some(self.rounds)
        self.rounds += 1
        self.owed += frames.count(PING_HEAD) + frames.count(OPEN_HEAD)
        self.link.send(frames)
        while self.owed > 600:
            self.take(*self.link.read_frame()[:2])
        for said in self.link.drain():
            self.take(*said)

    def take(self, kind, stream):
        if kind == say.RESET:
            self.link.send(say.frame(say.RESET_ACK, stream))
        self.owed -= kind in (say.PONG, say.RESET)


PING_HEAD = say.frame(say.PING, 0, bytes(8))[:8]
OPEN_HEAD = say.open_stream(1)[:4]


def ask_meanwhile(lab, web, times, seconds_out):
    """So many requests one after the other, on one connection."""
    with lab.visit(web) as visitor:
        for _ in range(times):
            started_at = time.monotonic()
            visitor.send(web.request())
            assert visitor.read_response()[0].status == 200
            seconds_out.append(time.monotonic() - started_at)
            time.sleep(0.05)


def open_stream_2(link):
    """A visitor of a port of the flooder's own."""
    visitor = connect(bind_port(link))
    visitor.send(b"hello")
    link.wait(say.OPEN)
    link.send(say.frame(say.OPENED, 2), say.data(2, b"x", 0))
    assert visitor.read_exact(1) == b"x"
    return visitor


@pytest.mark.skipif(ADIT.parent.name == "tsan", reason="a flood of ThreadSanitizer's own")
@pytest.mark.parametrize("carrier", ["tls", "wss"])
@pytest.mark.parametrize("what", CHEAP)
def test_valid_frames_without_end_disturb_nobody(lab, web, token, carrier, what):
    relay = web.agent.relay
    link = Link(relay, carrier).log_in(token)
    visitor = open_stream_2(link)
    before = relay.peak_memory_bytes()
    seconds = []
    other = threading.Thread(target=ask_meanwhile, args=(lab, web, ASKED, seconds))
    other.start()
    flooder = Flooder(link, CHEAP[what])
    while other.is_alive():
        flooder.step()
    assert len(seconds) == ASKED and statistics.median(seconds) < 1, seconds
    assert relay.peak_memory_bytes() - before < memory_bytes(24 * MB)
    assert breaches(relay) == 0
    lab.eventually(lambda: is_idle(relay), 10)
    link.send(say.frame(0x50))  # it has been there all the time
    lab.eventually(lambda: breaches(relay) == 1)
    link.close()
    visitor.close()
    assert lab.curl(web.url).status == 200


def is_idle(process):
    before = cpu_seconds(process)
    time.sleep(0.5)
    return cpu_seconds(process) - before < 0.1


def test_sessions_that_are_opened_and_left_make_room_for_others(lab):
    """With memory for 256 sessions: those nobody comes back to are the first to go."""
    config = lab.folder / "relay.yml"
    config.write_text("limits: {memory: 4M}\n")
    relay = lab.relay("--workers", "1", "--config", config)
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer()))), relay=relay)
    token = lab.token(relay, "villain")
    for _ in range(400):
        Link(relay).log_in(token).wire.reset()
    assert lab.curl(web.url).status == 200
    Link(relay).log_in(lab.token(relay, "other")).close()
    assert any("memory is short" in line for line in relay.stderr())
    assert not web.agent.events("link", state="down")
