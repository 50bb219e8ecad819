"""Tokens are made, listed and revoked, with the relay running or not."""

import json

from support.wire import answer, http_origin


def test_a_created_token_lets_an_agent_in(lab):
    relay = lab.relay()
    token = lab.adit("token", "create", "bob", "--data", relay.data).stdout
    assert token.count("\n") == 1 and " " not in token.strip()
    lab.http("3000", relay=relay, token=token.strip())


def test_tokens_are_listed_without_their_secret(lab):
    relay = lab.relay()
    token = lab.token(relay, "bob")
    listed = lab.adit("token", "list", "--data", relay.data)
    assert listed.returncode == 0 and "bob" in listed.stdout
    assert token not in listed.stdout


def test_revoking_ends_the_live_session(lab):
    relay = lab.relay()
    token = lab.token(relay, "bob")
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer())))
    web = lab.http(origin, relay=relay, token=token)
    assert lab.curl(web.url).status == 200
    row = next(line for line in lab.adit("token", "list", "--data", relay.data).stdout.splitlines()
               if "bob" in line)
    done = lab.adit("token", "revoke", row.split()[0], "--data", relay.data)
    assert done.returncode == 0, done.stderr
    assert web.agent.wait_exit() == 1
    assert lab.curl(web.url).status in (404, 503)


def test_tokens_made_before_the_first_start(lab):
    data = lab.folder / "relay1-data"
    token = lab.adit("token", "create", "early", "--data", data).stdout.strip()
    assert token
    lab.http("3000", relay=lab.relay(), token=token)


def test_the_store_holds_no_token(lab):
    relay = lab.relay()
    token = lab.token(relay, "bob")
    relay.stop()
    for path in relay.data.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


def test_data_is_for_its_owner_only(lab):
    relay = lab.relay()
    for path in [relay.data, *relay.data.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_token_opens_only_what_it_may(lab):
    relay = lab.relay()
    token = lab.token(relay, "ci", "--allow", "http name:ci-*")
    lab.http("3000", "ci-1", relay=relay, token=token)
    agent = lab.agent("http", "3000", "blog", relay=relay, token=token)
    assert "ci may not use the name blog" in agent.wait_event("error")["what"]
    assert agent.wait_exit() == 1
    agent = lab.agent("tcp", "22", relay=relay, token=token)
    assert "ci may not open tcp tunnels" in agent.wait_event("error")["what"]
    assert agent.wait_exit() == 1


def test_create_tells_people_the_login_and_programs_an_object(lab):
    relay = lab.relay()
    done = lab.adit("token", "create", "bob", "--data", relay.data)
    assert f"#{done.stdout.strip()}#{relay.pin}" in done.stderr
    told = json.loads(lab.adit("token", "create", "ann", "--json", "--data", relay.data).stdout)
    assert told["login"].split("#")[1] == told["token"] and told["id"]


def test_a_name_that_is_taken_or_none_is_refused(lab):
    relay = lab.relay()
    lab.token(relay, "bob")
    for name in ("bob", "no blanks", ""):
        done = lab.adit("token", "create", name, "--data", relay.data)
        assert done.returncode == 1 and not done.stdout and done.stderr.strip()


def test_a_folder_without_a_relay_is_told_and_not_made(lab):
    for words in (["list"], ["revoke", "1"]):
        done = lab.adit("token", *words, "--data", lab.folder / "nothing")
        assert done.returncode == 1 and "nothing" in done.stderr
    assert not (lab.folder / "nothing").exists()
