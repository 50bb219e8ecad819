"""`adit relay --access-log FILE`: one line per request, and none without it."""

import json
import shlex
import signal

from support.wire import answer, free_port, http_origin


def hello(lab):
    return lab.origin(http_origin(lambda wire, head: wire.send(answer(b"hello"))))


def fields(line):
    return dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)


def lines_of(path, count, lab):
    lab.eventually(lambda: path.exists() and path.read_text().count("\n") >= count)
    return path.read_text().splitlines()


def test_a_line_says_who_asked_for_what_and_what_came_of_it(lab):
    path = lab.folder / "access.log"
    relay = lab.relay("--access-log", path)
    web = lab.http(hello(lab), "blog", relay=relay)
    lab.curl(web.url + "/a?b=c", "-d", "1234", "-A", 'a "browser"', "-e", "https://from.example/")
    said = fields(lines_of(path, 1, lab)[0])
    assert said["msg"] == "request" and said["address"] == "127.0.0.1"
    assert (said["method"], said["path"], said["status"]) == ("POST", "/a?b=c", "200")
    assert said["host"].startswith("blog.localhost") and said["reason"] == "done"
    assert (said["in"], said["out"]) == ("4", "5") and int(said["ms"]) >= 0
    assert said["user_agent"] == 'a "browser"' and said["referer"] == "https://from.example/"
    assert path.stat().st_mode & 0o007 == 0


def test_what_went_wrong_is_there_too(lab):
    path = lab.folder / "access.log"
    relay = lab.relay("--access-log", path)
    web = lab.http(str(free_port()), relay=relay)
    lab.curl(web.url)
    lab.curl(f"http://nobody.localhost:{relay.port}/")
    wrong = [fields(line) for line in lines_of(path, 2, lab)]
    assert [(w["status"], w["reason"]) for w in wrong] == [("502", "REFUSED"), ("404", "NO_TUNNEL")]


def test_a_head_that_breaks_the_rules_has_its_line(lab):
    path = lab.folder / "access.log"
    relay = lab.relay("--access-log", path)
    lab.visit(relay).send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    said = fields(lines_of(path, 1, lab)[0])
    assert (said["status"], said["path"]) == ("400", "") and said["reason"] != "done"


def test_lines_of_json_on_stdout(lab):
    relay = lab.relay("--access-log", "-", "--log-format", "json")
    web = lab.http(hello(lab), relay=relay)
    lab.curl(web.url + "/x")
    line = relay.wait_for("a request", lambda stream, text: stream == "stdout" and
                          text.startswith("{") and json.loads(text))
    assert (line["msg"], line["path"], line["status"], line["out"]) == ("request", "/x", 200, 5)


def test_a_renamed_file_is_left_at_sighup(lab):
    path = lab.folder / "access.log"
    relay = lab.relay("--access-log", path)
    web = lab.http(hello(lab), relay=relay)
    lab.curl(web.url + "/before")
    lines_of(path, 1, lab)
    path.rename(lab.folder / "access.log.1")
    relay.signal(signal.SIGHUP)
    lab.eventually(path.exists)
    lab.curl(web.url + "/after")
    assert fields(lines_of(path, 1, lab)[0])["path"] == "/after"
    assert len((lab.folder / "access.log.1").read_text().splitlines()) == 1


def test_all_workers_write_to_it(lab):
    path = lab.folder / "access.log"
    relay = lab.relay("--access-log", path, "--workers", "2")
    tunnels = [lab.http(hello(lab), f"web{n}", relay=relay) for n in range(4)]
    for _ in range(5):
        for web in tunnels:
            lab.curl(web.url)
    lines = lines_of(path, 20, lab)
    assert len(lines) == 20 and all(fields(line)["status"] == "200" for line in lines)


def test_without_it_requests_leave_no_line(lab):
    relay = lab.relay()
    web = lab.http(hello(lab), relay=relay)
    lab.curl(web.url + "/quiet")
    assert "/quiet" not in relay.log_path.read_text()


def test_a_folder_that_is_not_there_is_told(lab):
    done = lab.adit("relay", "--listen", f"127.0.0.1:{free_port()}", "--access-log",
                    lab.folder / "none" / "access.log")
    assert done.returncode == 1 and "--access-log" in done.stderr
