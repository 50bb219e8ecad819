"""`--admin`: the relay's figures for Prometheus, for the operator's network and no browser."""

from support.wire import answer, free_port, http_origin

BODY = b"b" * 300_000


def relay_with_admin(lab):
    port = free_port()
    return lab.relay("--admin", f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}/metrics"


def figure(page, name):
    return int(next(line.split()[1] for line in page.decode().splitlines()
                    if line.startswith(f"{name} ")))


def test_figures_follow_what_happens(lab):
    relay, url = relay_with_admin(lab)
    before = lab.curl(url)
    assert before.status == 200
    assert before.get("content-type").startswith("text/plain; version=0.0.4")
    assert figure(before.body, "adit_sessions_open") == 0

    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer()))), relay=relay)
    for _ in range(3):
        assert lab.curl(web.url).status == 200
    after = lab.curl(url).body
    assert figure(after, "adit_sessions_open") == 1
    assert figure(after, "adit_logins_total") == 1
    assert figure(after, "adit_exchanges_total") - figure(before.body, "adit_exchanges_total") == 3


def test_bytes_of_streams_are_counted(lab):
    relay, url = relay_with_admin(lab)
    web = lab.http(lab.origin(http_origin(lambda wire, head: wire.send(answer(body=BODY)))),
                   relay=relay)
    assert lab.curl(web.url).body == BODY
    page = lab.curl(url).body
    assert figure(page, "adit_streams_opened_total") == 1
    assert figure(page, "adit_stream_bytes_in_total") > len(BODY)
    assert 0 < figure(page, "adit_stream_bytes_out_total") < len(BODY)


def test_streams_are_counted_as_open_until_they_end(lab):
    relay, url = relay_with_admin(lab)
    echo = lab.tcp(lab.origin(lambda wire: wire.send(wire.read_exact(1))
                              or wire.read_to_end()), relay=relay)
    visitor = lab.visit(echo)
    visitor.send(b".")
    assert visitor.read_exact(1) == b"."
    assert figure(lab.curl(url).body, "adit_streams_open") == 1
    visitor.reset()
    lab.eventually(lambda: figure(lab.curl(url).body, "adit_streams_open") == 0)
    assert figure(lab.curl(url).body, "adit_streams_reset_total") == 1


def test_browsers_and_other_requests_are_refused(lab):
    _, url = relay_with_admin(lab)
    assert lab.curl(url, "-H", "Origin: https://evil.example").status == 403
    assert lab.curl(url, "-H", "Host: evil.example").status == 403
    assert lab.curl(url, "-X", "POST").status == 405
    assert lab.curl(url.replace("/metrics", "/")).status == 404
    assert lab.curl(url, "-H", "Host: localhost:9").status == 200


def test_it_is_off_unless_named(lab):
    relay = lab.relay()
    assert lab.curl(f"http://127.0.0.1:{relay.port}/metrics").status == 404
