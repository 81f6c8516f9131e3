"""The processes that do the measured work: a line of JSON to each, a line back."""

import json
import subprocess
import threading
from pathlib import Path


class Failed(Exception):
    """What a worker says when it cannot do a thing."""


class Worker:
    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.folder = Path("/proc") / str(self.process.pid)

    def ask(self, do, **request):
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed(f"the process ended with {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def watched(self, do, **request):
        """As `ask`, with what the answer took: anonymous memory at its peak over the start, bytes from the device."""
        before, read, stop = self._anonymous(), self._read(), threading.Event()
        peak = before

        def look():
            nonlocal peak
            while not stop.wait(0.002):
                peak = max(peak, self._anonymous())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            answer = self.ask(do, **request)
        finally:
            stop.set()
            watcher.join()
        return answer, {"memory": peak - before, "read": self._read() - read}

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def _anonymous(self):
        for line in (self.folder / "status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
        return 0

    def _read(self):
        """Bytes that this process had the device read; 0 where the system does not say."""
        try:
            lines = (self.folder / "io").read_text().splitlines()
        except PermissionError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("read_bytes:")), 0)
