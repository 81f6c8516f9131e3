"""NumPy's side of run.py, and that of the other Python peers: a server for one client, as main.rs is for outcore.

`prepare` compiles a piece of code and opens its files, `run` measures it, `drop` forgets. Besides, this side makes the
input files and compares results, since it is the one that has NumPy.
"""

import json
import mmap
import os
import re
import sys
import time

import numpy as np

MIB = 1 << 20


# ---- The peers: each gives the code the names of the files as its users would have them.


def mapped_bytes(path, flags, protection):
    descriptor = os.open(path, flags)
    try:
        return mmap.mmap(descriptor, 0, prot=protection)
    finally:
        os.close(descriptor)


class Numpy:
    """Mapped arrays."""

    def __init__(self, code, files, out, threads):
        self.names = {"np": np, "re": re, **{name: self.open(**file) for name, file in files.items()}}
        self.names |= {f"{name}_path": file["path"] for name, file in files.items()}
        if out:
            self.names["out"] = np.load(out, mmap_mode="r+")
        if "scipy" in code:
            import scipy.ndimage
            import scipy.stats

            self.names["scipy"] = scipy
        if "text" in code:
            self.names["text"] = mapped_bytes(files["a"]["path"], os.O_RDONLY, mmap.PROT_READ)
            if out:
                self.names["out_text"] = mapped_bytes(out, os.O_RDWR, mmap.PROT_READ | mmap.PROT_WRITE)
        try:
            self.code, self.value = compile(code, "<numpy>", "eval"), True
        except SyntaxError:
            self.code, self.value = compile(code, "<numpy>", "exec"), False

    @staticmethod
    def open(path, shape=None):
        a = np.load(path, mmap_mode="r")
        return a if shape is None else a.reshape(-1)[: int(np.prod(shape))].reshape(shape)

    def __call__(self):
        if self.value:
            return eval(self.code, self.names)
        exec(self.code, self.names)
        return None


class Memory(Numpy):
    """NumPy on arrays in memory."""

    def __init__(self, code, files, out, threads):
        super().__init__(code, files, out, threads)
        for name in files:
            self.names[name] = np.array(self.names[name])
        if out:
            self.names["out"] = np.zeros_like(self.names["out"])

    def __call__(self):
        super().__call__()


class Numexpr(Numpy):
    """One expression into `out`."""

    def __init__(self, code, files, out, threads):
        import numexpr

        numexpr.set_num_threads(threads)
        super().__init__("None", files, out, threads)
        self.evaluate, self.expression = numexpr.evaluate, code

    def __call__(self):
        operands = {name: value for name, value in self.names.items() if isinstance(value, np.ndarray)}
        out = operands.pop("out", None)
        value = self.evaluate(self.expression, local_dict=operands, out=out)
        return None if out is not None else value


class Dask(Numpy):
    """Arrays in chunks over the mapped ones, on threads."""

    def __init__(self, code, files, out, threads):
        import dask
        import dask.array

        dask.config.set(scheduler="threads", num_workers=threads)
        super().__init__(code, files, out, threads)
        self.names["da"] = dask.array
        for name in files:
            self.names[name] = dask.array.from_array(self.names[name], chunks="64 MiB")


class Duckdb(Numpy):
    """SQL over a table for each file, of one column `x`."""

    def __init__(self, code, files, out, threads):
        import duckdb

        super().__init__("None", files, out, threads)
        self.connection, self.sql = duckdb.connect(), code
        self.connection.execute(f"SET threads = {threads}")
        for name in files:
            self.connection.register(name, {"x": np.asarray(self.names[name]).reshape(-1)})

    def __call__(self):
        columns = self.connection.execute(self.sql).fetchnumpy().values()
        value = np.concatenate([np.asarray(column) for column in columns])
        if "out" in self.names:
            self.names["out"].reshape(-1)[:] = value
            return None
        return value


PEERS = {"NumPy": Numpy, "memory": Memory, "numexpr": Numexpr, "dask": Dask, "DuckDB": Duckdb}


# ---- Input files.


def values(kind, dtype, count, seed):
    """Elements in pieces."""
    random = np.random.Generator(np.random.SFC64(seed))
    directions = random.standard_normal((8, 256))
    for start in range(0, count, MIB):
        n = min(MIB, count - start)
        if kind == "normal":
            yield random.standard_normal(n, "f4" if dtype == "f4" else "f8") + 1
        elif kind == "unit":
            yield random.random(n)
        elif kind == "near one":
            yield 1 + 1e-9 * random.standard_normal(n)
        elif kind == "low rank":
            # Eight directions that count, and noise; rows of 256.
            rows = random.standard_normal((n // 256, 8)) * 2.0 ** -np.arange(8)
            yield rows @ directions + 1e-3 * random.standard_normal((n // 256, 256))
        elif kind == "spread":
            # Between the elements of an ascending file that is 256 times as large.
            yield random.random(n) * (count * 128)
        elif kind == "integers":
            yield random.integers(0, 10_000, n)
        elif kind == "indices":
            # Of the rows of a file that has four times as many.
            yield random.integers(0, count * 4, n)
        elif kind == "ascending":
            yield np.arange(start, start + n, dtype="f8") * 0.5
        elif kind == "text":
            line = random.integers(ord("a"), ord("z") + 1, n)
            line[::61] = ord("\n")
            needles = random.integers(0, n - 16, n // 65536)
            for place in needles:
                line[place : place + 12] = np.frombuffer(b"needle=%05d" % (place % 100_000), "u1")
            yield line
        else:
            raise ValueError(kind)


def make(path, kind, dtype, shape, seed):
    """A new `.npy` file; `kind` None leaves its elements zero."""
    part, dtype = path + ".part", np.dtype(dtype)
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(shape)}
    with open(part, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        count = int(np.prod(shape, dtype="u8"))
        if kind == "sparse":
            file.truncate(file.tell() + count * dtype.itemsize)
        elif kind is None:
            os.posix_fallocate(file.fileno(), 0, file.tell() + count * dtype.itemsize)
        else:
            for piece in values(kind, dtype, count, seed):
                piece.astype(dtype).tofile(file)
    os.rename(part, path)


# ---- Comparison.


def compare(expected, found, rtol, atol):
    """None, or how two results differ."""
    a, b = (np.load(path, mmap_mode="r") for path in (expected, found))
    if a.size != b.size or (a.ndim > 1 and b.ndim > 1 and a.shape != b.shape):
        return f"shape {b.shape} instead of {a.shape}"
    a, b = (x.reshape(-1, order="A" if a.flags.c_contiguous == b.flags.c_contiguous else "C") for x in (a, b))
    for start in range(0, a.size, 8 * MIB):
        x, y = a[start : start + 8 * MIB], b[start : start + 8 * MIB]
        if rtol or atol:
            same = np.isclose(y, x, rtol=rtol, atol=atol, equal_nan=True)
        elif x.dtype == y.dtype:
            bits = f"u{x.dtype.itemsize}"
            same = x.view(bits) == y.view(bits) if x.dtype.kind != "c" else x == y
        else:
            same = x == y
        if not same.all():
            i = int(np.argmin(same))
            return f"element {start + i}: {y[i]!r} instead of {x[i]!r}; {int((~same).sum())} differ in this part"
    return None


# ---- The server.


def main():
    prepared, answers = {}, os.fdopen(os.dup(1), "w", buffering=1)
    # What a library prints is no answer.
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = serve(prepared, **request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


def serve(prepared, do, name=None, keep=None, **request):
    if do == "prepare":
        start = time.perf_counter()
        peer = PEERS[request["origin"]]
        prepared[name] = peer(request["op"], request["files"], request["out"], request["threads"])
        return {"seconds": time.perf_counter() - start}
    if do == "run":
        start = time.perf_counter()
        value = prepared[name]()
        seconds = time.perf_counter() - start
        if keep and value is not None:
            np.save(keep, np.asarray(value))
        return {"seconds": seconds}
    if do == "drop":
        prepared.clear()
        return {}
    if do == "make":
        make(**request)
        return {}
    if do == "compare":
        return {"difference": compare(**request)}
    if do == "versions":
        import importlib.metadata

        return {peer: importlib.metadata.version(peer) for peer in ("numpy", "scipy", "numexpr", "dask", "duckdb")}
    raise ValueError(do)


if __name__ == "__main__":
    main()
