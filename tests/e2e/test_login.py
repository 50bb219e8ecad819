"""`adit login` checks and saves once; afterwards a target is all one types."""

from support.link import openssl
from support.wire import answer, http_origin


def test_login_then_http(lab):
    relay = lab.relay()
    done = lab.adit("login", relay.login)
    assert done.returncode == 0, done.stderr
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"logged in"))))
    agent = lab.start("http", origin.target, "--json")
    assert lab.curl(lab.tunnel(agent).url).body == b"logged in"


def test_what_is_saved_is_for_its_owner_only(lab):
    assert lab.adit("login", lab.relay().login).returncode == 0
    saved = [p for folder in ("state", "config") for p in (lab.folder / folder).rglob("*")
             if p.is_file()]
    assert saved
    assert all(p.stat().st_mode & 0o077 == 0 for p in saved)


def test_a_wrong_token_is_told_and_not_saved(lab):
    relay = lab.relay()
    address, token, pin = relay.login.split("#")
    done = lab.adit("login", f"{address}#{token[::-1]}#{pin}")
    assert done.returncode == 1
    assert done.stderr.strip()
    assert not [p for p in (lab.folder / "state").rglob("*") if p.suffix in (".json", ".yml")]


def test_the_line_an_open_relay_prints_logs_in_without_a_token(lab):
    relay = lab.relay("--open")
    assert "##sha256:" in relay.login
    assert lab.adit("login", relay.login).returncode == 0
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"open"))))
    agent = lab.start("http", origin.target, "--json")
    assert lab.curl(lab.tunnel(agent).url).body == b"open"


def test_a_login_remembers_whose_signature_to_trust(lab):
    (lab.folder / "ca").mkdir()
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=own authority",
            "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
            "-keyout", lab.folder / "relay.key", "-out", lab.folder / "ca" / "own.pem")
    relay = lab.relay("--cert", lab.folder / "ca" / "own.pem", "--key", lab.folder / "relay.key")
    word = f"127.0.0.1:{relay.port}#{lab.token(relay, 'bob')}"
    assert "--ca FILE" in lab.adit("login", word).stderr
    done = lab.adit("login", word, "--ca", "ca/own.pem")
    assert done.returncode == 0, done.stderr
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"trusted"))))
    assert str(lab.folder / "ca" / "own.pem") in (lab.folder / "state" / "adit" /
                                                  "logins.yml").read_text()
    agent = lab.start("http", origin.target, "--json")
    assert lab.tunnel(agent)


def test_the_pin_a_refused_login_names_can_be_given_to_it(lab):
    relay = lab.relay()
    address, token, pin = relay.login.split("#")
    refused = lab.adit("login", f"{address}#{token}")
    assert refused.returncode == 1
    assert f"--pin {pin}" in refused.stderr
    bad = lab.adit("login", f"{address}#{token}", "--pin", "nonsense")
    assert bad.returncode == 2
    assert "'nonsense' is no pin" in bad.stderr
    done = lab.adit("login", f"{address}#{token}", "--pin", pin)
    assert done.returncode == 0, done.stderr
    origin = lab.origin(http_origin(lambda wire, head: wire.send(answer(b"pinned"))))
    agent = lab.start("http", origin.target, "--json")
    assert lab.curl(lab.tunnel(agent).url).body == b"pinned"
