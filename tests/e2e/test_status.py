"""`adit status` tells what the relay is doing."""

import json


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
