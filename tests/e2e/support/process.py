"""A program under test or beside it: started in a process group of its own, its output read line
by line into a list and a log file, ended for sure."""

import json
import os
import re
import signal
import subprocess
import threading
import time

STOP_SECONDS = 10


class Process:
    def __init__(self, name, command, folder, env=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.command = [str(word) for word in command]
        self.log_path = folder / f"{name}.log"
        self.lines = []  # (stream, text) of both outputs, as they came
        self.changed = threading.Condition()
        self.open_outputs = 2
        self.log = self.log_path.open("w")
        self.log.write(f"$ {' '.join(self.command)}\n")
        self.popen = subprocess.Popen(self.command, stdin=stdin, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, cwd=folder, start_new_session=True,
                                      env={**os.environ, **(env or {})})
        for stream in ("stdout", "stderr"):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in getattr(self.popen, stream):
            text = line.decode(errors="replace").rstrip("\n")
            with self.changed:
                self.lines.append((stream, text))
                self.log.write(f"{stream[3:]} {text}\n")
                self.log.flush()
                self.changed.notify_all()
        with self.changed:
            self.open_outputs -= 1
            self.changed.notify_all()

    # -- what it said

    def stdout(self):
        return [text for stream, text in self.lines if stream == "stdout"]

    def stderr(self):
        return [text for stream, text in self.lines if stream == "stderr"]

    def wait_for(self, what, find, seconds=10):
        """The first true find(stream, text) among the lines so far and those to come."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self.changed:
            while True:
                while seen < len(self.lines):
                    found = find(*self.lines[seen])
                    seen += 1
                    if found:
                        return found
                left = deadline - time.monotonic()
                if left <= 0 or self.open_outputs == 0:
                    ended = "" if self.open_outputs else f" (it ended: {self.popen.poll()})"
                    raise AssertionError(f"{self.name} never said {what}{ended}")
                self.changed.wait(left)

    def wait_line(self, pattern, seconds=10):
        """The match of the first line, on either output, that holds the pattern."""
        return self.wait_for(f"/{pattern}/", lambda _, text: re.search(pattern, text), seconds)

    def events(self, event=None, **fields):
        """The --json events so far, those with these fields."""
        return [e for e in map(parse_event, self.stdout()) if matches(e, event, fields)]

    def wait_event(self, event, seconds=10, **fields):
        def find(stream, text):
            e = parse_event(text) if stream == "stdout" else None
            return e if matches(e, event, fields) else None
        return self.wait_for(f"event {event} {fields or ''}", find, seconds)

    # -- life

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.is_running():
            os.killpg(self.popen.pid, number)

    def wait_exit(self, seconds=STOP_SECONDS):
        try:
            status = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds} s") from None
        with self.changed:  # the last lines too
            self.changed.wait_for(lambda: self.open_outputs == 0, 2)
        return status

    def stop(self, seconds=STOP_SECONDS):
        """Asks it to stop; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_exit(seconds)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait_exit()

    def peak_memory_bytes(self):
        status = open(f"/proc/{self.popen.pid}/status").read()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.popen.pid}/fd"))


def parse_event(text):
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def matches(e, event, fields):
    return (e is not None and (event is None or e.get("event") == event)
            and all(e.get(key) == value for key, value in fields.items()))
