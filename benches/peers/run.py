#!/usr/bin/env python3
"""outcore beside NumPy, numexpr, dask, DuckDB and raw loops, on the same files, in turn: prints a table of ratios.

Everything it needs it makes under target/: a virtual environment with the peers (from requirements.txt) and the input
files, which are removed at the end. Exits with 1 where a result differs or somebody fails; a goal that is missed is in
the table.
"""

import argparse
import re
import shutil
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.dont_write_bytecode = True

import environment
import machine
from cases import SECTIONS, witness
from contest import Contender, Contest, ratio


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048, metavar="MIB", help="of the largest files")
    parser.add_argument("--rounds", type=int, default=7, help="at most; slow operations get three")
    parser.add_argument("--minutes", type=float, default=8, help="that the rounds may take, all in all")
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--only", default="", metavar="REGEX", help="the operations whose title this matches")
    budget = "memory of the job in all cases; otherwise only in those about it"
    parser.add_argument("--budget", type=int, metavar="MIB", help=budget)
    parser.add_argument("--quick", action="store_true", help="small files, few rounds: to see that it works")
    parser.add_argument("--python", help="an interpreter that has the peers")
    parser.add_argument("--folder", help="for the files; they stay there for the next time")
    parser.add_argument("--output", help="a file for the tables, beside the standard output")
    given = parser.parse_args()
    if given.quick:
        given.size, given.rounds = min(given.size, 64), min(given.rounds, 3)
    return given


def main():
    given = arguments()
    rust, python = environment.outcore(), environment.python(given.python)
    folder = Path(given.folder) if given.folder else environment.target() / "peers" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    contest = Contest(
        [rust, "serve"],
        [python, str(environment.HERE / "python_side.py")],
        environment.variables(given.threads),
        folder,
        given.threads,
        given.rounds,
    )
    try:
        versions = contest.workers[False].ask("versions")
        text, sound = tables(contest, given)
    finally:
        contest.close()
        if not given.folder:
            shutil.rmtree(folder)
    text = f"{preamble(given, folder.parent, versions)}\n\n{text}"
    print(text)
    if given.output:
        Path(given.output).write_text(text + "\n")
    sys.exit(0 if sound else 1)


def preamble(given, folder, versions):
    return (
        f"{machine.describe(folder, versions)}. Files of {given.size} MiB and parts of it, {given.threads} threads. "
        f"All contenders in turn in each of {given.rounds} rounds or fewer, results compared. A figure is the speed of "
        "outcore, that of the other being 1: the median over the rounds."
    )


def tables(contest, given):
    """All tables, and whether all results are right."""
    chosen = [
        (section, case)
        for section, cases in SECTIONS.items()
        for case in cases
        if re.search(given.only, case.title)
    ]
    deadline = time.monotonic() + given.minutes * 60
    lines, failures, last = [], [], None
    for number, (section, case) in enumerate(chosen):
        if section != last:
            beyond = any(one.budget for one in SECTIONS[section])
            lines += ["", f"**{section}**", "", *heading(beyond)]
            last = section
        now = time.monotonic()
        until = now + max(0, deadline - now) / (len(chosen) - number)
        rows, failed = rows_of(case, contest, given, until)
        lines += [f"| {' | '.join(row)} |" for row in rows]
        failures += failed
        print(f"{time.monotonic() - now:6.1f} s  {case.title}", file=sys.stderr)
    if failures:
        lines += ["", "Failures:", "", *(f"- {failure}" for failure in failures)]
    return "\n".join(lines).strip(), not failures


def heading(beyond):
    columns = ["", "NumPy", "others", "the machine", "goals met"]
    if beyond:
        columns += ["memory / budget", "read / file"]
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def rows_of(case, contest, given, until):
    """The rows of a case, and what failed."""
    size = given.size << 20
    shapes = {name: data.dims(size) for name, data in case.files.items()}
    inputs = {
        name: contest.input(data.kind, data.dtype, shapes[name], data.seed) for name, data in case.files.items()
    }
    first = inputs["a"].stat().st_size
    memory = given.budget << 20 if given.budget else first // 4 if case.budget else None
    terms = {
        "filled": case.filled,
        "cold": case.cold,
        "fresh": case.fresh,
        "memory": memory,
        "tolerance": (case.rtol, case.atol),
        "until": until,
    }
    if case.spread:
        return spread(case, contest, inputs, shapes["a"], terms)
    ours = [Contender(f"outcore, {origin}", case.op, origin) for origin in case.origins]
    contenders = [*ours, *case.against]
    out = (case.out[0], case.out[1](shapes)) if case.out else None
    results = contest.measure(contenders, inputs, out, **terms)
    report(contenders, results)
    failed = [
        f"{case.title}, {one.label}: {result.failure}" for one, result in zip(contenders, results) if result.failure
    ]
    rows = []
    for one, result in zip(ours, results):
        if result.failure:
            continue
        theirs = [pair for pair in zip(case.against, results[len(ours) :]) if pair[1].seconds and not pair[1].failure]
        named = case.title if len(ours) == 1 else f"{case.title}, {one.origin}"
        row = row_of(named, result, theirs, case.limit)
        if case.budget:
            row += [f"{result.memory / memory:.2f}", f"{result.read / first:.2f}"]
        rows.append(row)
        if case.cold and case.op == "sum" and result.halves:
            evenness = statistics.median(half / (all - half) for half, all in zip(result.halves, result.seconds))
            row[3] += f"; second half {evenness:.2f} of the first"
    return rows, failed


def row_of(title, ours, theirs, limit):
    """One line of the table: outcore's result against those of the others."""
    labels = dict.fromkeys(one.label for one, _ in theirs)
    columns, met = {"NumPy": [], "others": [], "machine": []}, []
    for label in labels:
        group = [(one, result) for one, result in theirs if one.label == label]
        ratios = [(ratio(ours.seconds, result.seconds, one.times), one) for one, result in group]
        value, one = min(ratios, key=lambda pair: pair[0])
        column = "NumPy" if one.origin == "NumPy" else "machine" if one.is_rust or one.origin == "memory" else "others"
        goal = f" (goal {one.goal:.2g})" if one.goal and column == "machine" else ""
        factor = f"{value:.2f}" if value < 10 else f"{value:.0f}"
        columns[column].append(f"{factor} of {label}{goal}" if column == "machine" else f"{factor} x {label}")
        if one.goal:
            met.append(value >= one.goal)
    if limit:
        within = statistics.median(ours.seconds) <= limit
        columns["machine"].append(f"{'within' if within else 'more than'} {limit * 1e6:.0f} us")
        met.append(within)
    verdict = "" if not met else "yes" if all(met) else "**no**"
    return [title, *("; ".join(cells) for cells in columns.values()), verdict]


def spread(case, contest, inputs, shape, terms):
    """One operation on many shapes of the same elements: the slowest against the fastest."""
    count = shape[0]
    contenders = []
    for lengths in case.spread:
        known = next(length for length in lengths if length > 0)
        dims = tuple(count // known if length < 0 else length for length in lengths)
        for axis in (0, 1):
            label = f"{dims}, axis {axis}"
            contenders.append(Contender(label, f"{case.op} {axis}", shape=dims, group=label))
            shown = witness(case.witness.format(axis=axis))
            contenders.append(replace(shown, label=f"NumPy, {label}", shape=dims, group=label))
    results = contest.measure(contenders, inputs, None, **terms)
    report(contenders, results)
    failed = [f"{case.title}, {one.label}: {got.failure}" for one, got in zip(contenders, results) if got.failure]
    times = [(statistics.median(got.seconds), one.label) for one, got in zip(contenders, results) if got.seconds]
    if not times:
        return [], failed
    (least, _), (most, label) = min(times), max(times)
    met = "yes" if most <= 2 * least else "**no**"
    return [[case.title, "", "", f"{least / most:.2f}, {label} (goal 0.5)", met]], failed


def report(contenders, results):
    """What was measured, for the terminal."""
    for one, result in zip(contenders, results):
        if result.failure:
            print(f"          {one.label}: FAILED: {result.failure}", file=sys.stderr)
        elif result.seconds:
            seconds = sorted(result.seconds)
            print(
                f"          {one.label}: {statistics.median(seconds):.4f} s ({seconds[0]:.4f} to {seconds[-1]:.4f}, "
                f"{len(seconds)} rounds), memory {result.memory >> 20} MiB, read {result.read >> 20} MiB",
                file=sys.stderr,
            )


if __name__ == "__main__":
    main()
