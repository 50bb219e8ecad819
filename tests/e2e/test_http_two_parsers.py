"""Another parser as the witness: nginx behind an agent sees as many requests as the relay believes
to have passed on, whatever a visitor sends; Python's client sees the answers it asked for, whatever
an origin sends."""

import http.client
import re
import threading
import time

import pytest

from support.mutate import mutated, rounds, seeded
from support.wire import answer, free_port, http_origin

# The first server reads requests, bodies and all; only whole ones get to the second, which counts.
WITNESS = """
        error_log stderr crit;
        ignore_invalid_headers off;
        underscores_in_headers on;
        location / {{ proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; }}
    }}
    server {{
        listen 127.0.0.1:{port};
        access_log {log};
        add_header Witness seen always;
        location / {{ return 200 "$request_method $request_uri"; }}
"""

REQUESTS = [
    b"GET /a HTTP/1.1\r\nHost: HOST\r\nAccept: */*\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /a HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
    b"5;a=b\r\nhello\r\n2\r\nxy\r\n0\r\nX: y\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: HOST\r\nContent-Length: 62\r\n\r\n"
    b"GET /hidden HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\n\r\nhello...",
    b"GET http://HOST/a HTTP/1.1\r\nHost: HOST\r\n\r\n",
    b"HEAD /a HTTP/1.1\r\nHost: HOST\r\n\r\nGET /b HTTP/1.1\r\nHost: HOST\r\n\r\n",
    b"PUT /a HTTP/1.1\r\nHost: HOST\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /a HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"GET /a HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab",
]
LAST = b"GET /last HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"


@pytest.mark.limit(120)
def test_nginx_sees_the_requests_the_relay_has_passed_on(lab):
    log = lab.folder / "seen.log"
    web = lab.http(lab.nginx(WITNESS.format(port=free_port(), log=log)))
    host = web.host.encode()
    rng = seeded(1)

    def seen():
        return re.findall(r'"(.*?)" (\d+) ', log.read_text()) if log.exists() else []

    answered = 0
    for round_number in range(rounds(600)):
        sent = mutated(rng, rng.choice(REQUESTS).replace(b"HOST", host))
        before = len(seen())
        with lab.visit(web) as visitor:
            visitor.send(sent + LAST.replace(b"HOST", host))
            visitor.half_close()
            try:
                got = visitor.read_to_end()
            except ConnectionResetError:
                got = b""
        count = got.count(b"Witness: seen")
        answered += count
        try:
            lab.eventually(lambda: len(seen()) - before == count, 3)
        except AssertionError:
            raise AssertionError((round_number, sent, got, seen()[before:])) from None
    assert answered > 100  # much damage is harmless, and so is proven to be


OK = b"HTTP/1.1 200 OK\r\n"
EVIL = OK + b"Content-Length: 4\r\n\r\nevil"
ANSWERS = [
    OK + b"Content-Length: 5\r\n\r\nhello",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Go on\r\nLink: </x>\r\n\r\n"
    + OK + b"Content-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    OK + b"Content-Length: 5\r\nSet-Cookie: a=b; Domain=localhost\r\nX: y\r\n\r\nhello",
]


def read_answer(visitor, method):
    """By a parser that is not ours; the body, or None when the relay cut it off."""
    response = http.client.HTTPResponse(visitor.sock, method=method)
    try:
        response.begin()
        return response.read()
    except (http.client.HTTPException, ConnectionResetError):
        return None


@pytest.mark.limit(120)
def test_a_client_sees_the_answers_it_asked_for(lab):
    """What follows a strange answer is the right one, on the same connection and on others."""
    said, late = {}, threading.Event()

    def respond(wire, head):
        path = head.start.split(" ")[1]
        if path not in said:
            wire.send(answer(path.encode()))
            return
        try:
            wire.send(said[path])
            time.sleep(0.02)
            wire.send(EVIL if path.endswith("1") else b"")  # nobody asked: the connection is idle
        finally:
            if path.endswith("1"):
                late.set()
        wire.half_close()
        wire.read_to_end()
    web = lab.http(lab.origin(http_origin(respond)))
    rng = seeded(2)
    for round_number in range(rounds(300)):
        method = rng.choice(["GET", "GET", "HEAD"])
        path = f"/evil{round_number}"
        said[path] = mutated(rng, rng.choice(ANSWERS)) + rng.choice([b"", b"", EVIL])
        with lab.visit(web) as visitor, lab.visit(web) as other:
            visitor.send(web.request(method, path))
            is_whole = read_answer(visitor, method) is not None
            if path.endswith("1"):
                assert late.wait(5)
                late.clear()
                time.sleep(0.2)  # they are at the relay, and nobody waits for them
            for asks in (visitor, other) if is_whole else (other,):
                try:
                    asks.send(web.request("GET", f"/after{round_number}"))
                except ConnectionError:
                    assert asks is visitor
                    continue
                body = read_answer(asks, "GET")
                what = (round_number, method, said[path], body)
                is_right = body == f"/after{round_number}".encode()
                assert is_right or (asks is visitor and not body), what
