"""Measuring contenders in turn, on the same files."""

import os
import shutil
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from worker import Failed, Worker


@dataclass(frozen=True)
class Contender:
    """Somebody who does the work."""

    label: str
    """What the table says. Contenders of one label are alternatives, of which the fastest counts."""
    op: str
    """An operation of main.rs, or code for one of the peers of python_side.py."""
    origin: str = "mapped"
    """Where the elements come from: `mapped` and `file` are outcore's; the others name a peer."""
    goal: float | None = None
    """The speed that outcore is to have, this contender's being 1."""
    times: float = 1
    """How often this contender does its work in the time that counts."""
    same: bool = True
    """Whether its result must be that of the others."""
    shape: tuple | None = None
    """The shape of the inputs, where it is not that of the file."""
    group: str = ""
    """Results are compared within a group."""
    timed: bool = True
    """Whether it goes through more than the first round."""

    @property
    def is_rust(self):
        return self.origin in ("mapped", "file")


@dataclass
class Measured:
    seconds: list = field(default_factory=list)
    halves: list = field(default_factory=list)
    """Seconds of the first half of the work."""
    memory: int = 0
    read: int = 0
    failure: str | None = None


class Contest:
    """Where contenders meet: the workers, the files, the clock."""

    def __init__(self, rust, python, environment, folder, threads, rounds):
        self.commands = {True: rust, False: python}
        self.environment, self.folder, self.threads, self.rounds = environment, Path(folder), threads, rounds
        self.workers = {is_rust: self.start(is_rust) for is_rust in (True, False)}
        self.warm, self.unreadable = set(), False
        (self.folder / "scratch").mkdir(parents=True, exist_ok=True)

    def start(self, is_rust):
        return Worker(self.commands[is_rust], self.environment)

    def close(self):
        for worker in self.workers.values():
            worker.close()

    # ---- Files.

    def input(self, kind, dtype, shape, seed):
        path = self.folder / f"{kind}-{dtype}-{'x'.join(map(str, shape))}-{seed}.npy"
        if not path.exists():
            self.workers[False].ask("make", path=str(path), kind=kind, dtype=dtype, shape=shape, seed=seed)
        return path

    def output(self, index, dtype, shape, filled):
        path = self.folder / f"out-{index}.npy"
        path.unlink(missing_ok=True)
        if filled:
            shutil.copyfile(filled, path)
            return path
        self.workers[False].ask("make", path=str(path), kind=None, dtype=dtype, shape=shape, seed=0)
        return path

    def chill(self, path):
        """Takes a file out of the page cache, which needs no privilege where nobody maps it."""
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self.warm.discard(path)

    def heat(self, path):
        """Fills the page cache by reading from start to end, so that how it was filled is the same for all."""
        if path in self.warm or path.name.startswith("sparse"):
            return
        self.chill(path)
        buffer = bytearray(4 << 20)
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
        self.warm.add(path)

    # ---- Measuring.

    def measure(self, contenders, inputs, out, *, filled, cold, fresh, memory, tolerance, until):
        """Each contender once per round, in turn: a round to see that the results are equal, then those that count.

        Ends after `rounds` rounds, or when the clock says `until`, but not before three.
        """
        content = inputs["a"] if filled else None
        outputs = [self.output(i, *out, content) if out else None for i in range(len(contenders))]
        terms = {"memory": memory, "scratch": str(self.folder / "scratch"), "halves": cold}
        requests = [
            {
                "name": str(i),
                "op": contender.op,
                "origin": contender.origin,
                "files": {name: {"path": str(path), "shape": contender.shape} for name, path in inputs.items()},
                "out": str(outputs[i]) if out else None,
                "threads": self.threads,
                **(terms if contender.is_rust else {}),
            }
            for i, contender in enumerate(contenders)
        ]
        results = [Measured() for _ in contenders]
        try:
            for path in inputs.values():
                self.heat(path)
            if not fresh:
                for i, contender in enumerate(contenders):
                    self._guard(results[i], lambda: self.workers[contender.is_rust].ask("prepare", **requests[i]))
            for number in range(self.rounds + 1):
                if number > 3 and time.monotonic() > until:
                    break
                order = range(len(contenders))
                # Each has the other's place in every second round.
                for i in order if number % 2 else reversed(order):
                    if not results[i].failure and (contenders[i].timed or number == 0):
                        run = lambda: self._run(contenders[i], requests[i], results[i], inputs, number, cold, fresh)
                        self._guard(results[i], run)
                if number == 0:
                    self._compare(contenders, outputs, results, tolerance)
        finally:
            for worker in self.workers.values():
                if worker.process.poll() is None:
                    worker.ask("drop")
            for path in self.folder.glob("*-*.npy"):
                if path.name.startswith(("out-", "keep-")):
                    path.unlink()
        return results

    def _guard(self, result, do):
        try:
            do()
        except Failed as failure:
            result.failure = str(failure)
            for is_rust, worker in self.workers.items():
                if worker.process.poll() is not None:
                    self.workers[is_rust] = self.start(is_rust)

    def _run(self, contender, request, result, inputs, number, cold, fresh):
        if request["out"]:
            with open(request["out"], "rb") as file:
                os.fsync(file.fileno())
        for path in inputs.values():
            self.chill(path) if cold else self.heat(path)
        if request["out"] and cold:
            self.chill(Path(request["out"]))
        worker = self.start(contender.is_rust) if fresh else self.workers[contender.is_rust]
        try:
            seconds = worker.ask("prepare", **request)["seconds"] if fresh else 0
            if contender.origin == "memory":
                # Its files were read before it began.
                seconds = 0
            if number == 0:
                keep = self.folder / f"keep-{request['name']}.npy"
                keep.unlink(missing_ok=True)
                answer, took = worker.watched("run", name=request["name"], keep=str(keep))
                result.memory, result.read = took["memory"], took["read"]
            else:
                answer = worker.ask("run", name=request["name"], keep=None)
                result.seconds.append(seconds + answer["seconds"])
                if answer.get("half"):
                    result.halves.append(answer["half"])
        finally:
            if fresh:
                worker.close()

    def _compare(self, contenders, outputs, results, tolerance):
        """Every result against that of the first peer, or of the first contender."""
        kept = [out or self.folder / f"keep-{i}.npy" for i, out in enumerate(outputs)]
        alike = [i for i, one in enumerate(contenders) if one.same and not results[i].failure and kept[i].exists()]
        for group in {contenders[i].group for i in alike}:
            members = [i for i in alike if contenders[i].group == group]
            reference = min(members, key=lambda i: contenders[i].is_rust)
            for i in members:
                if i != reference:
                    files = {"expected": str(kept[reference]), "found": str(kept[i])}
                    answer = self.workers[False].ask("compare", **files, rtol=tolerance[0], atol=tolerance[1])
                    if answer["difference"]:
                        results[i].failure = f"differs from {contenders[reference].label}: {answer['difference']}"


def ratio(ours, theirs, times=1):
    """How many times faster: the median over the rounds, each of which compares what was measured side by side."""
    return statistics.median(times * b / a for a, b in zip(ours, theirs))
