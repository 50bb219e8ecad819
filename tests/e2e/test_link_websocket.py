"""What a WebSocket link at the relay answers to peers that break RFC 6455."""

import base64
import struct

import pytest

PATH = "/_adit/link"
MASK = b"\x01\x02\x03\x04"


def frame(opcode, payload=b"", final=True, masked=True):
    head = bytes([(0x80 if final else 0) | opcode, (0x80 if masked else 0) | len(payload)])
    if not masked:
        return head + payload
    return head + MASK + bytes(b ^ MASK[i % 4] for i, b in enumerate(payload))


def upgrade(lab, *headers, key=base64.b64encode(b"0123456789abcdef").decode(), host="127.0.0.1"):
    wire = lab.visit(lab.the_relay)
    wire.send("\r\n".join([f"GET {PATH} HTTP/1.1", f"Host: {host}:{lab.the_relay.port}",
                           "Upgrade: websocket", "Connection: Upgrade",
                           "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
                           *headers, "", ""]).encode())
    return wire, wire.read_head()


def next_frame(wire, *wanted):
    """(opcode, payload) of the next frame of a wanted kind."""
    while True:
        first, length = wire.read_exact(2)
        assert first & 0x80 and not length & 0x80  # whole and unmasked
        if length == 126:
            length, = struct.unpack(">H", wire.read_exact(2))
        payload = wire.read_exact(length)
        if first & 0x0F in wanted:
            return first & 0x0F, payload


def close_code(wire):
    _, payload = next_frame(wire, 8)
    wire.read_to_end()
    return struct.unpack(">H", payload[:2])[0]


def test_the_upgrade_is_answered_and_pings_are(lab):
    wire, head = upgrade(lab)
    assert head.status == 101
    assert head.get("Sec-WebSocket-Accept") == "BACScCJPNqyz+UBoqMH89VmURoA="
    wire.send(frame(9, b"are you there"))
    assert next_frame(wire, 10) == (10, b"are you there")


@pytest.mark.parametrize("what, sent, code", [
    ("text", frame(1, b"hello"), 1003),
    ("unmasked", frame(2, b"hello", masked=False), 1002),
    ("unknown opcode", frame(3, b"hello"), 1002),
    ("reserved bits", b"\xc2" + frame(2, b"hello")[1:], 1002),
    ("continuation of nothing", frame(0, b"hello"), 1002),
    ("ping in pieces", frame(9, b"hello", final=False), 1002),
    ("long ping", b"\x89\xfe\x00\x7e" + MASK + bytes(126), 1002),
    ("close code that must not travel", frame(8, b"\x03\xee"), 1002),
    ("length not minimal", b"\x82\xfe\x00\x05" + MASK + b"hello", 1002),
])
def test_broken_frames_are_refused_with_their_code(lab, what, sent, code):
    wire, head = upgrade(lab)
    assert head.status == 101
    wire.send(sent)
    assert close_code(wire) == code


def test_a_close_is_answered_with_its_code(lab):
    wire, _ = upgrade(lab)
    wire.send(frame(8, struct.pack(">H", 1001) + b"bye"))
    assert close_code(wire) == 1001


def test_browsers_and_bad_requests_get_no_link(lab):
    _, head = upgrade(lab, "Origin: https://evil.example")
    assert head.status in (400, 403)
    _, head = upgrade(lab, key="c2hvcnQ=")
    assert head.status == 400


def test_a_tunnel_for_every_host_does_not_get_links(lab):
    lab.http(lab.origin(lambda wire: wire.send(b"caught")), "--host", "*")
    _, head = upgrade(lab, host="relay.example.org")
    assert head.status == 101
