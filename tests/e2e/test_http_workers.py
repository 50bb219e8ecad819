"""One visitor's connection reaches every tunnel, whichever worker its agent is on."""

from support.wire import answer, free_port, http_origin


def named(lab, name):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(name.encode()))))


def test_requests_of_one_connection_reach_agents_on_all_workers(lab):
    relay = lab.relay("--workers", "2")
    tunnels = [lab.http(named(lab, f"web{n}"), f"web{n}", relay=relay) for n in range(4)]
    visitor = lab.visit(tunnels[0])
    for _ in range(3):
        for n, web in enumerate(tunnels):
            visitor.send(web.request("POST", "/", "Content-Length: 3") + b"abc")
            head, body = visitor.read_response()
            assert (head.status, body) == (200, f"web{n}".encode())


def test_an_origin_that_refuses_is_told_the_same_way_from_all_workers(lab):
    relay = lab.relay("--workers", "2")
    tunnels = [lab.http(str(free_port()), f"web{n}", relay=relay) for n in range(4)]
    visitor = lab.visit(tunnels[0])
    for web in tunnels:
        visitor.send(web.request())
        head, _ = visitor.read_response()
        assert (head.status, head.get("Adit-Error")) == (502, "REFUSED")
