"""Which tunnel a request reaches: own hosts, `*`, path prefixes with the longest first."""

import pytest

from support.wire import answer, http_origin


def named(lab, name):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(name.encode()))))


def ask(lab, relay, host, path="/"):
    return lab.curl(f"http://127.0.0.1:{relay.port}{path}", "-H", f"Host: {host}")


def test_a_chosen_name(lab):
    web = lab.http(named(lab, "blog"), "blog")
    assert web.name == "blog"
    assert web.url == f"http://blog.localhost:{lab.the_relay.port}" or web.url.startswith(
        "https://blog.localhost:")


def test_names_under_the_domain(lab):
    relay = lab.relay("--domain", "t.example.com")
    lab.http(named(lab, "blog"), "blog", relay=relay)
    assert ask(lab, relay, "blog.t.example.com").body == b"blog"
    assert ask(lab, relay, "BLOG.T.example.COM.:80").body == b"blog"
    assert ask(lab, relay, "x.blog.t.example.com").status == 404


def test_an_own_host(lab):
    relay = lab.relay()
    lab.http(named(lab, "shop"), "--host", "shop.example.org", "--host", "www.shop.example.org",
             relay=relay)
    assert ask(lab, relay, "shop.example.org").body == b"shop"
    assert ask(lab, relay, "www.shop.example.org").body == b"shop"
    assert ask(lab, relay, "other.example.org").status == 404


def test_the_longest_path_wins(lab):
    relay = lab.relay()
    token = lab.token(relay, "one")
    for path in ("/", "/api", "/api/v2"):
        lab.http(named(lab, path), "--host", "a.example.org", "--path", path, relay=relay,
                 token=token, state=lab.folder / "state")
    for path, reached in [("/", "/"), ("/apix", "/"), ("/api", "/api"), ("/api/x", "/api"),
                          ("/api/v2", "/api/v2"), ("/api/v2/y?z", "/api/v2"), ("/API", "/")]:
        assert ask(lab, relay, "a.example.org", path).body == reached.encode(), path


def test_a_star_takes_what_nobody_else_has(lab):
    relay = lab.relay()
    lab.http(named(lab, "star"), "--host", "*.example.org", relay=relay)
    lab.http(named(lab, "own"), "--host", "own.example.org", relay=relay)
    assert ask(lab, relay, "any.example.org").body == b"star"
    assert ask(lab, relay, "own.example.org").body == b"own"


@pytest.mark.parametrize("name", ["www", "admin"])
def test_reserved_names_are_refused(lab, name):
    agent = lab.agent("http", "3000", name)
    assert agent.wait_event("error")["what"]
    assert agent.wait_exit() == 1


def test_a_name_that_is_none_is_a_usage_error(lab):
    done = lab.adit("http", "3000", "_x")
    assert done.returncode == 2
    assert "_x" in done.stderr
