"""What a visitor sees when there is nothing to see: a clear page, or JSON when asked for."""

import signal
import socket

import pytest

from support.wire import answer, free_port, http_origin


def check(lab, url, status, *options, seconds=30):
    page = lab.curl(url, "-H", "Accept: text/html", *options, seconds=seconds)
    assert page.status == status
    assert page.get("content-type").startswith("text/html")
    assert str(status).encode() in page.body
    json = lab.curl(url, "-H", "Accept: application/json", *options, seconds=seconds)
    assert json.status == status
    assert json.get("content-type").startswith("application/json")
    assert json.json()
    return page


def test_no_such_tunnel_404(lab):
    relay = lab.relay()
    check(lab, f"http://nobody.localhost:{relay.port}/", 404)


def test_agent_away_503(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer())))
    web = lab.http(origin)
    assert lab.curl(web.url).status == 200
    web.agent.signal(signal.SIGKILL)
    web.agent.wait_exit()
    page = check(lab, web.url, 503)
    assert int(page.get("retry-after")) > 0


def test_origin_refused_502(lab):
    check(lab, lab.http(free_port()).url, 502)


def test_origin_speaks_no_http_502(lab):
    def handler(wire):
        wire.read_head()
        wire.send(b"SSH-2.0-Nonsense\r\n")
    check(lab, lab.http(lab.origin(handler)).url, 502)


def test_origin_closes_without_an_answer_502(lab):
    check(lab, lab.http(lab.origin(lambda wire: wire.read_head())).url, 502)


@pytest.mark.limit(90)
def test_origin_does_not_accept_504(lab):
    """A full backlog drops our SYN: the connect itself runs into its 10 s."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    filling = [socket.socket() for _ in range(4)]
    for s in filling:
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", port))
    check(lab, lab.http(port).url, 504)
    for s in [listener, *filling]:
        s.close()


def test_a_head_answer_has_no_body(lab):
    web = lab.http(free_port())
    visitor = lab.visit(web)
    for _ in range(2):
        visitor.send(web.request("HEAD"))
        assert visitor.read_head().status == 502
