"""`adit status` tells what the relay is doing."""

import json

from support.wire import answer, free_port, http_origin


def test_sessions_and_tunnels_are_shown(lab):
    web = lab.http("3000", "blog")
    done = lab.adit("status", "--data", lab.the_relay.data)
    assert done.returncode == 0, done.stderr
    assert "blog" in done.stdout and "tls" in done.stdout
    assert web.agent.token not in done.stdout


def test_as_json(lab):
    lab.http("3000", "blog")
    done = lab.adit("status", "--json", "--data", lab.the_relay.data)
    assert done.returncode == 0, done.stderr
    assert "blog" in json.dumps(json.loads(done.stdout))


def test_without_a_relay_it_says_so(lab):
    done = lab.adit("status", "--data", lab.folder / "nothing")
    assert done.returncode not in (0, 2)
    assert done.stderr.strip()


def report(lab, relay):
    return json.loads(lab.adit("status", "--json", "--data", relay.data).stdout)


def test_what_went_through_is_counted(lab):
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"x" * 1000))))
    web = lab.http(origin, "blog")
    for _ in range(3):
        assert lab.curl(web.url).status == 200
    tunnel = report(lab, lab.the_relay)["sessions"][0]["tunnels"][0]
    assert (tunnel["key"], tunnel["kind"], tunnel["url"]) == ("blog", "http", web.url)
    assert tunnel["exchanges"] == 3 and tunnel["out"] == 3000


def test_an_agent_that_was_lost_is_away_and_why(lab):
    web = lab.http("3000", "blog")
    web.agent.kill()
    relay = lab.the_relay
    lab.eventually(lambda: not report(lab, relay)["sessions"][0]["attached"])
    session = report(lab, relay)["sessions"][0]
    assert session["why"] and session["rtt_ms"] is None
    shown = lab.adit("status", "--data", relay.data).stdout
    assert "away" in shown and session["why"] in shown


def test_a_second_relay_on_the_same_data_is_refused(lab):
    relay = lab.relay()
    done = lab.adit("relay", "--listen", f"127.0.0.1:{free_port()}", "--data", relay.data)
    assert done.returncode == 1
    assert "another" in done.stderr and str(relay.data) in done.stderr
    assert lab.adit("status", "--data", relay.data).returncode == 0
