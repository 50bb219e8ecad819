"""Bodies of any size pass both ways, unchanged, at constant memory."""

import hashlib

import pytest

from support.wire import answer, http_origin, random_bytes

MIB = 1 << 20


def digest_origin(lab):
    """Answers each request with the digest of its body."""
    def respond(wire, head):
        if head.get("expect"):
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = wire.read_body(head) if head.get("content-length") or head.get(
            "transfer-encoding") else b""
        wire.send(answer(hashlib.sha256(body).hexdigest().encode()))
    return lab.origin(http_origin(respond))


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 65_537, 64 * MIB])
def test_an_upload_arrives(lab, size):
    data = random_bytes(size)
    (lab.folder / "data").write_bytes(data)
    result = lab.curl(lab.http(digest_origin(lab)).url, "--data-binary", "@data")
    assert result.body == hashlib.sha256(data).hexdigest().encode()


def test_a_chunked_upload_arrives(lab):
    data = random_bytes(5 * MIB)
    (lab.folder / "data").write_bytes(data)
    result = lab.curl(lab.http(digest_origin(lab)).url, "--data-binary", "@data",
                      "-H", "Transfer-Encoding: chunked")
    assert result.body == hashlib.sha256(data).hexdigest().encode()


@pytest.mark.parametrize("size", [1, 65_537, 64 * MIB])
def test_a_download_arrives(lab, size):
    data = random_bytes(size)
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(data))))
    assert lab.curl(lab.http(origin).url).body == data


def test_a_download_cut_by_the_origin_is_not_told_as_whole(lab):
    def handler(wire):
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    result = lab.curl(lab.http(lab.origin(handler)).url, check=False)
    assert result.exit_code in (18, 56)  # partial file, or reset
    assert result.body == b"only this"


@pytest.mark.limit(120)
def test_memory_stays_constant(lab):
    """A gigabyte through relay and agent, read more slowly than it is sent at first."""
    block, count = random_bytes(MIB), 1024

    def handler(wire):
        wire.read_head()
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(block) * count}\r\n\r\n".encode())
        for _ in range(count):
            wire.send(block)
    lab.env["ASAN_OPTIONS"] += ":quarantine_size_mb=16"  # what it keeps of freed memory: 256
    web = lab.http(lab.origin(handler))
    programs = (lab.the_relay, web.agent)
    before = [p.peak_memory_bytes() for p in programs]
    visitor = lab.visit(web)
    visitor.send(web.request())
    visitor.read_head()
    for _ in range(count):
        assert visitor.read_exact(len(block)) == block
    grown = [p.peak_memory_bytes() - b for p, b in zip(programs, before)]
    assert max(grown) < 80 * MIB, f"relay and agent grew by {grown}"
