"""An agent that says exactly what a test says: the frames of docs/protocol.md over any carrier."""

import base64
import hashlib
import hmac
import json
import os
import select
import ssl
import struct
import subprocess

from support.wire import Wire, connect

HELLO, LOGIN, LOGGED_IN, REFUSED, RESUME, RESUMED, TABLE, UNKNOWN = range(1, 9)
OPEN, OPENED, DATA, WINDOW, ACK, STOP, RESET, RESET_ACK = range(0x10, 0x18)
PING, PONG, GOAWAY = range(0x20, 0x23)
FIN, BEGIN, OFFSET = 1, 2, 4
MORE = 1
RUN = b"r" * 16


def frame(kind, stream=0, payload=b"", flags=0):
    return struct.pack(">HBBI", len(payload), kind, flags, stream) + payload


def fact(kind, value, critical=False):
    return struct.pack(">HH", kind | (0x8000 if critical else 0), len(value)) + value


def hello(versions=(1, 1), window=32768, node=b"n" * 16, run=RUN):
    return b"adit" + frame(HELLO, 0, struct.pack(">HHI16s16s32sI", *versions, 0, node, run,
                                                 b"o" * 32, window))


def login(token, proof=None):
    facts = fact(1, token.encode(), critical=True)
    return frame(LOGIN, 0, facts + (fact(7, proof) if proof else b""))


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


def row(stream, received=0, limit=32768, state=0):
    """Of a table of RESUME."""
    return struct.pack(">IIQQ", stream, state, received, limit)


def message(**fields):
    """A CONTROL message, as it stands in stream 0."""
    text = json.dumps(fields).encode()
    return struct.pack(">I", len(text)) + text


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


class Agent:
    """Somebody whose id can be proven, as often as wanted."""

    def __init__(self, folder):
        self.key_file = folder / f"agent-{os.urandom(4).hex()}.pem"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key_file)
        self.key = openssl("pkey", "-in", self.key_file, "-pubout", "-outform", "DER")[-32:]
        self.node = hashlib.sha256(self.key).digest()[:16]

    def proof(self, nonce, run):
        said = self.key_file.with_suffix(".said")
        said.write_bytes(b"adit login v1\0\0\0" + nonce + self.node + run)
        return self.key + openssl("pkeyutl", "-sign", "-rawin", "-in", said,
                                  "-inkey", self.key_file)


def tls_wire(relay, alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return Wire(context.wrap_socket(connect(relay.port).sock))


class WebSocketWire(Wire):
    """What is sent becomes one masked binary message each time; what is read is their payload."""

    def __init__(self, wire, relay):
        super().__init__(wire.sock)
        key = base64.b64encode(os.urandom(16)).decode()
        wire.send((f"GET /_adit/link HTTP/1.1\r\nHost: 127.0.0.1:{relay.port}\r\n"
                   f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
        assert wire.read_head().status == 101
        self.below = wire
        self.close_code = None

    def send(self, data):
        # A mask of zeros is one like any other, and saves the test its time.
        size = (struct.pack(">B", 0x80 | len(data)) if len(data) < 126 else
                struct.pack(">BH", 0x80 | 126, len(data)) if len(data) < 65536 else
                struct.pack(">BQ", 0x80 | 127, len(data)))
        self.below.send(b"\x82" + size + bytes(4) + data)

    def _more(self):
        head, size = self.below.read_exact(2)
        if size >= 126:
            size = int.from_bytes(self.below.read_exact(2 if size == 126 else 8), "big")
        payload = self.below.read_exact(size)
        if head & 0xf == 8:
            self.close_code = int.from_bytes(payload[:2], "big")
            return False
        self.unread += payload if head & 0xf < 3 else b""
        return True

    def read_exact(self, n):
        while len(self.unread) < n:
            if not self._more():
                raise EOFError("closed")
        data, self.unread = self.unread[:n], self.unread[n:]
        return data


def dial(relay, carrier):
    if carrier == "tcp":
        return connect(relay.port)
    if carrier == "tls":
        return tls_wire(relay, "adit/1")
    below = tls_wire(relay, "http/1.1") if carrier == "wss" else connect(relay.port)
    return WebSocketWire(below, relay)


class Link:
    """One carrier. After log_in() its session's id and secret are here too."""

    def __init__(self, relay, carrier="tcp"):
        self.wire = dial(relay, carrier)
        self.told = 0  # bytes of CONTROL said so far
        self.heard = 0
        self.unparsed = b""

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

    def log_in(self, token, agent=None, **how):
        """As an agent with an id (without TLS), or as a stranger."""
        if agent:
            how["node"] = agent.node
        nonce = self.greet(**how)[40:72]
        proof = agent.proof(nonce, how.get("run", RUN)) if agent else None
        self.send(login(token, proof))
        kind, _, payload = self.wait(LOGGED_IN, REFUSED)
        assert kind == LOGGED_IN, payload
        self.session, self.secret = payload[:24], payload[24:56]
        return self

    def resume(self, old, rows, epoch=1, more=(), **how):
        """Asks to go on with the session of another link (without TLS), with its true proof."""
        nonce = self.greet(**how)[40:72]
        told = struct.pack(">Q", epoch)
        label = b"adit resume v1\0\0"
        proof = hmac.digest(old.secret, label + nonce + old.session + told, hashlib.sha256)
        self.send(frame(RESUME, 0, old.session + told + proof + rows, MORE if more else 0))
        for i, piece in enumerate(more):
            self.send(frame(TABLE, 0, piece, MORE if i + 1 < len(more) else 0))
        return self

    def tell(self, raw):
        """Bytes of CONTROL, within its credit."""
        self.send(data(0, raw, 0 if self.told == 0 else None))
        self.told += len(raw)

    def wait_message(self, kind):
        """The next message of that type; everything else that comes is thrown away."""
        while True:
            length = int.from_bytes(self.unparsed[:4], "big") + 4
            if 4 < length <= len(self.unparsed):
                fields = json.loads(self.unparsed[4:length])
                self.unparsed = self.unparsed[length:]
                if fields["type"] == kind:
                    return fields
                continue
            frame_kind, stream, payload = self.read_frame()
            if frame_kind == DATA and stream == 0:
                self._hear(payload)

    def _hear(self, payload):
        piece = payload if self.heard else payload[8:]  # the first tells its offset
        self.unparsed += piece
        self.heard += len(piece)

    def wait_control_limit(self):
        """Reads on until the relay gives credit for CONTROL; the new limit. What it says there is
        acknowledged, with room for more."""
        while True:
            kind, stream, payload = self.read_frame()
            if kind == WINDOW and stream == 0:
                return struct.unpack(">QQ", payload)[1]
            if kind == DATA and stream == 0:
                self._hear(payload)
                self.send(window(0, self.heard, self.heard + (1 << 20)))

    def has_input(self):
        wire = self.wire
        below = getattr(wire, "below", wire)
        is_pending = isinstance(wire.sock, ssl.SSLSocket) and wire.sock.pending() > 0
        return bool(wire.unread or below.unread or is_pending
                    or select.select([wire.sock], [], [], 0)[0])

    def drain(self):
        """What the relay has said, without waiting for more: [(type, stream)]."""
        said = []
        while self.has_input():
            said.append(self.read_frame()[:2])
        return said

    def ends(self):
        """True if the relay closes; what it still says is thrown away."""
        try:
            while self.read_frame():
                pass
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False

    def is_blamed(self):
        """Whether the carrier, if it can, said that we broke the protocol. After ends()."""
        return getattr(self.wire, "close_code", 1002) == 1002

    def close(self):
        self.wire.close()
