"""An agent that says exactly what a test says: the frames of docs/protocol.md over `tcp`."""

import json
import struct

from support.wire import connect

HELLO, LOGIN, LOGGED_IN, REFUSED, RESUME, RESUMED, TABLE, UNKNOWN = range(1, 9)
OPEN, OPENED, DATA, WINDOW, ACK, STOP, RESET, RESET_ACK = range(0x10, 0x18)
PING, PONG, GOAWAY = range(0x20, 0x23)
FIN, BEGIN, OFFSET = 1, 2, 4
MORE = 1


def frame(kind, stream=0, payload=b"", flags=0):
    return struct.pack(">HBBI", len(payload), kind, flags, stream) + payload


def fact(kind, value, critical=False):
    return struct.pack(">HH", kind | (0x8000 if critical else 0), len(value)) + value


def hello(versions=(1, 1), window=32768, node=b"n" * 16, run=b"r" * 16):
    return b"adit" + frame(HELLO, 0, struct.pack(">HHI16s16s32sI", *versions, 0, node, run,
                                                 b"o" * 32, window))


def login(token):
    return frame(LOGIN, 0, fact(1, token.encode(), critical=True))


def open_stream(stream, tunnel=1, limit=32768, facts=b""):
    return frame(OPEN, stream, struct.pack(">IQ", tunnel, limit) + facts)


def data(stream, payload, offset=None, flags=0):
    if offset is None:
        return frame(DATA, stream, payload, flags)
    return frame(DATA, stream, struct.pack(">Q", offset) + payload, flags | OFFSET)


def window(stream, received, limit):
    return frame(WINDOW, stream, struct.pack(">QQ", received, limit))


def ack(*rows):
    return frame(ACK, 0, b"".join(struct.pack(">IQ", *row) for row in rows))


def reset(stream, code=7, final=0):
    return frame(RESET, stream, struct.pack(">HQ", code, final))


def message(**fields):
    """A CONTROL message, as it stands in stream 0."""
    text = json.dumps(fields).encode()
    return struct.pack(">I", len(text)) + text


class Link:
    """One carrier. After log_in() its session's id and secret are here too."""

    def __init__(self, relay):
        self.wire = connect(relay.port)
        self.told = 0  # bytes of CONTROL said so far
        self.heard = 0

    def send(self, *frames):
        self.wire.send(b"".join(frames))

    def read_frame(self):
        """(type, stream, payload); EOFError at the end."""
        length, kind, _, stream = struct.unpack(">HBBI", self.wire.read_exact(8))
        return kind, stream, self.wire.read_exact(length)

    def wait(self, *kinds):
        while True:
            kind, stream, payload = self.read_frame()
            if kind in kinds:
                return kind, stream, payload

    def greet(self, **how):
        self.send(hello(**how))
        assert self.wire.read_exact(4) == b"adit"
        return self.wait(HELLO)[2]

    def log_in(self, token, **how):
        self.greet(**how)
        self.send(login(token))
        kind, _, payload = self.wait(LOGGED_IN, REFUSED)
        assert kind == LOGGED_IN, payload
        self.session, self.secret = payload[:24], payload[24:56]
        return self

    def tell(self, raw):
        """Bytes of CONTROL, within its credit."""
        self.send(data(0, raw, 0 if self.told == 0 else None))
        self.told += len(raw)

    def wait_control_limit(self):
        """Reads on until the relay gives credit for CONTROL; the new limit. What it says there is
        acknowledged, with room for more."""
        while True:
            kind, stream, payload = self.read_frame()
            if kind == WINDOW and stream == 0:
                return struct.unpack(">QQ", payload)[1]
            if kind == DATA and stream == 0:
                self.heard += len(payload) - (0 if self.heard else 8)  # the first tells its offset
                self.send(window(0, self.heard, self.heard + (1 << 20)))

    def ends(self):
        """True if the relay closes; what it still says is thrown away."""
        try:
            while self.read_frame():
                pass
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False

    def close(self):
        self.wire.close()
