"""What is measured, against whom, and what is aimed at.

A goal is a ratio of speeds, outcore's to the contender's; NumPy's is 1: outcore is to be faster.
"""

import math
from dataclasses import dataclass, replace

from contest import Contender


@dataclass(frozen=True)
class Data:
    """An input file, of a share of the size that is asked for; python_side.py knows the kinds."""

    kind: str = "normal"
    dtype: str = "f8"
    columns: int | str | None = 1024
    """Lengths of a row; None for an array of one axis, "square" for as many rows as columns."""
    share: float = 1
    seed: int = 1
    length: int | None = None
    """Elements of an array of one axis, whatever the size that is asked for."""

    def dims(self, size):
        if self.length:
            return (self.length,)
        count = int(size * self.share) // int(self.dtype[1:])
        if self.columns == "square":
            return (math.isqrt(count),) * 2
        return (count // self.columns, self.columns) if self.columns else (count,)


@dataclass(frozen=True)
class Case:
    title: str
    """What the table says, with outcore's method."""
    op: str
    files: dict
    against: tuple
    origins: tuple = ("mapped",)
    out: tuple | None = None
    """The dtype of the output file, and its shape as a function of those of the inputs."""
    rtol: float = 0
    atol: float = 0
    cold: bool = False
    """The files are out of the page cache before every run."""
    fresh: bool = False
    """Every run is in a new process, and opens its files on the clock."""
    budget: bool = False
    """The memory of the job is a quarter of the first file."""
    limit: float | None = None
    """Seconds that it may take."""
    filled: bool = False
    """The output file starts as a copy of the input."""
    spread: tuple | None = None
    """Instead of contenders: shapes of one file, of which the slowest is compared with the fastest."""
    witness: str = ""
    """NumPy's code for the results of a spread."""


def numpy(code, goal=1.0, label=None):
    return Contender(label or f"`{code}`", code, "NumPy", goal)


def witness(code):
    """NumPy, which only says what the result is to be."""
    return Contender("NumPy", code, "NumPy", timed=False)


def python(code, label=None):
    """Python's own modules, on a file as bytes."""
    return numpy(code, label=label)


def numexpr(code):
    return Contender("numexpr", code, "numexpr")


def dask(code):
    return Contender("dask", code, "dask")


def duckdb(sql):
    return Contender("DuckDB", sql, "DuckDB")


def in_memory(label, code, goal):
    """NumPy, with all arrays in memory."""
    return Contender(label, code, "memory", goal, same=False)


def outcore(label, op, goal, same=False, times=1, origin="mapped"):
    """Something else that outcore's side can do: a raw loop, or another operation."""
    return Contender(label, op, origin, goal, times, same)


def loop(goal=None):
    return outcore("a loop over memory", "raw sum of memory", goal)


def copy(goal=None, times=1):
    label = "a raw copy" if times == 1 else f"{times} raw copies"
    return outcore(label, "raw copy", goal, times=times)


def same(shapes):
    return shapes["a"]


A = {"a": Data()}
HALF = {"a": Data(share=1 / 2)}
EIGHTH = {"a": Data(share=1 / 8)}
QUARTER = {"a": Data(share=1 / 4)}
PAIR = {"a": Data(share=1 / 4), "b": Data(share=1 / 4, seed=2)}
VECTOR = {"a": Data(columns=None, share=1 / 4)}

PART = {"a": Data(columns=None, share=1 / 8)}
INTEGERS = {"a": Data("integers", "i8", None, 1 / 4)}

#: Bytes of the same length, forth and back, as Python's users do it.
REPLACE = """
old, new = globals().get("new", b"needle="), globals().get("old", b"NEEDLE=")
place = out_text.find(old)
while place >= 0:
    out_text[place : place + len(old)] = new
    place = out_text.find(old, place + len(old))
"""

#: -1 stands for what is left of the elements.
SHAPES = ((2, -1), (16, -1), (1024, -1), (-1, 1024), (-1, 100), (-1, 16), (-1, 3), (-1, 2))

REDUCTIONS = (
    Case(
        "`sum`",
        "sum",
        A,
        (numpy("a.sum()"), dask("a.sum().compute()"), outcore("a loop over memory", "raw sum of memory", 0.85, True)),
        origins=("mapped", "file"),
        rtol=1e-12,
    ),
    Case(
        "`sum` in a new process",
        "sum",
        A,
        (
            numpy("a.sum()"),
            outcore("the better of two raw loops, mapped and by `pread`", "raw sum of a mapping", 0.85, True),
            outcore("the better of two raw loops, mapped and by `pread`", "raw sum by pread", 0.85, True),
        ),
        rtol=1e-12,
        fresh=True,
    ),
    Case("`sum` of float32", "sum f32", {"a": Data(dtype="f4", share=1 / 2)}, (numpy("a.sum(dtype='f8')"),), rtol=1e-6),
    Case(
        "`stats`, eleven statistics",
        "stats",
        A,
        (
            numpy("[a.sum(), a.mean(), a.std(), a.min(), a.max()]", label="five of them"),
            outcore("the sum alone", "sum", 0.85),
        ),
        origins=("mapped", "file"),
        rtol=1e-12,
    ),
    Case("`mean`", "mean", A, (numpy("a.mean()"),), rtol=1e-12),
    Case("`std`", "std", A, (numpy("a.std()"), dask("a.std().compute()")), rtol=1e-12),
    Case("`min`", "min", A, (numpy("a.min()"), dask("a.min().compute()"), loop())),
    Case("`sum_axis`, 0", "sum 0", A, (numpy("a.sum(axis=0)"), dask("a.sum(axis=0).compute()")), rtol=1e-9),
    Case("`sum_axis`, 1", "sum 1", A, (numpy("a.sum(axis=1)"), dask("a.sum(axis=1).compute()")), rtol=1e-9),
    Case("`var_axis`, 0", "var 0", A, (numpy("a.var(axis=0)"), dask("a.var(axis=0).compute()")), rtol=1e-9),
    Case("`var_axis`, 1", "var 1", A, (numpy("a.var(axis=1)"), dask("a.var(axis=1).compute()")), rtol=1e-9),
    Case("`min_axis`, 0", "min 0", A, (numpy("a.min(axis=0)"),)),
    Case("`skew`", "skew", EIGHTH, (numpy("scipy.stats.skew(a, axis=None)"),), rtol=1e-9, atol=1e-9),
    Case("`kurtosis`", "kurtosis", EIGHTH, (numpy("scipy.stats.kurtosis(a, axis=None)"),), rtol=1e-9, atol=1e-9),
    Case("`prod`", "prod", {"a": Data("near one", share=1 / 2)}, (numpy("a.prod()"),), rtol=1e-6),
    Case("`all`", "all", A, (numpy("a.all()"),)),
    Case("`count_nonzero`", "count_nonzero", A, (numpy("np.count_nonzero(a)"),)),
    Case("`ptp`", "ptp", A, (numpy("np.ptp(a)"),)),
    Case("`norm`", "norm", A, (numpy("np.linalg.norm(a)"),), rtol=1e-12),
    Case(
        "`average` with weights",
        "average",
        {"a": Data(share=1 / 2), "b": Data("unit", share=1 / 2)},
        (numpy("np.average(a, weights=b)"),),
        rtol=1e-12,
    ),
    Case(
        "`cumsum`",
        "cumsum",
        QUARTER,
        (numpy("np.cumsum(a, out=out.reshape(-1))"), copy()),
        out=("f8", same),
        rtol=1e-9,
    ),
    Case(
        "`cumsum_axis`, 0",
        "cumsum 0",
        QUARTER,
        (numpy("np.cumsum(a, axis=0, out=out)"), copy()),
        out=("f8", same),
        rtol=1e-9,
        atol=1e-9,
    ),
    Case(
        "`rolling` mean of 32, axis 0",
        "rolling mean",
        EIGHTH,
        (numpy("np.copyto(out, scipy.ndimage.uniform_filter1d(a, 32, 0)[16:-15])"),),
        out=("f8", lambda shapes: (shapes["a"][0] - 31, shapes["a"][1])),
        rtol=1e-9,
        atol=1e-9,
    ),
    Case(
        "`rolling` maximum of 32, axis 1",
        "rolling max",
        EIGHTH,
        (numpy("np.copyto(out, scipy.ndimage.maximum_filter1d(a, 32, 1)[:, 16:-15])"),),
        out=("f8", lambda shapes: (shapes["a"][0], shapes["a"][1] - 31)),
    ),
    Case(
        "`mean_axis` and `var_axis`, both axes, eight shapes: the slowest against the fastest",
        "mean var",
        VECTOR,
        (),
        spread=SHAPES,
        witness="[a.mean(axis={axis}), a.var(axis={axis})]",
        rtol=1e-9,
    ),
)

ORDER = (
    Case(
        "`median`",
        "median",
        QUARTER,
        (numpy("np.median(a)"), duckdb("select median(x) from a")),
        origins=("mapped", "file"),
    ),
    Case(
        "`quantile`, four of them",
        "quantile",
        QUARTER,
        (
            numpy("np.quantile(a, [0.01, 0.25, 0.75, 0.99])"),
            duckdb("select unnest(quantile_cont(x, [0.01, 0.25, 0.75, 0.99])) from a"),
        ),
        rtol=1e-14,
    ),
    Case("`median_axis`, 0", "median 0", EIGHTH, (numpy("np.median(a, axis=0)"),)),
    Case("`median_axis`, 1", "median 1", EIGHTH, (numpy("np.median(a, axis=1)"),)),
    Case("`histogram`, 100 bins", "histogram", HALF, (numpy("np.histogram(a, 100)[0]"),)),
    Case(
        "`histogram`, 100 bins of a range",
        "histogram range",
        HALF,
        (
            numpy("np.histogram(a, 100, (-4, 6))[0]"),
            dask("da.histogram(a, bins=100, range=(-4, 6))[0].compute()"),
        ),
    ),
    Case(
        "`histogram2d`, 64 x 64 bins",
        "histogram2d",
        {"a": Data(columns=None, share=1 / 32), "b": Data(columns=None, share=1 / 32, seed=2)},
        (numpy("np.histogram2d(a, b, 64, [(-4, 6), (-4, 6)])[0]"),),
    ),
    Case(
        "`bincount`",
        "bincount",
        INTEGERS,
        (numpy("np.bincount(a)"), duckdb("select count(*) from a group by x order by x")),
    ),
    Case(
        "`top_k`, 100",
        "top_k",
        QUARTER,
        (
            numpy("np.sort(np.partition(a.reshape(-1), -100)[-100:])[::-1]"),
            duckdb("select x from a order by x desc limit 100"),
        ),
    ),
    Case(
        "`searchsorted`, many in a sorted file",
        "searchsorted",
        {"a": Data("ascending", columns=None), "b": Data("spread", columns=None, share=1 / 256)},
        (numpy("np.searchsorted(a, b)"),),
    ),
    Case(
        "`sort`",
        "sort",
        PART,
        (numpy("np.copyto(out, a); out.sort()"), duckdb("select x from a order by x"), copy()),
        out=("f8", same),
    ),
    Case(
        "`sort_axis`, 1",
        "sort 1",
        EIGHTH,
        (numpy("np.copyto(out, a); out.sort(axis=1)"),),
        out=("f8", same),
    ),
    Case("`argsort`", "argsort", PART, (numpy("out[:] = np.argsort(a)"),), out=("u8", same)),
    Case("`unique_counts`", "unique", INTEGERS, (numpy("np.unique(a, return_counts=True)"),)),
)

ELEMENTWISE = (
    Case(
        "`map`, `2a + 1`",
        "affine",
        QUARTER,
        (numpy("np.add(np.multiply(a, 2, out=out), 1, out=out)"), numexpr("a * 2 + 1"), copy()),
        out=("f8", same),
    ),
    Case(
        "`map`, `sqrt(a*a + 1) * sin(a)`",
        "wave",
        QUARTER,
        (
            numpy("np.multiply(np.sqrt(a * a + 1), np.sin(a), out=out)"),
            numexpr("sqrt(a * a + 1) * sin(a)"),
            dask("da.store(da.sqrt(a * a + 1) * da.sin(a), out)"),
            copy(),
        ),
        out=("f8", same),
        rtol=1e-13,
        atol=1e-15,
    ),
    Case(
        "`zip`, `a*b + 1`",
        "zip",
        PAIR,
        (numpy("np.add(np.multiply(a, b, out=out), 1, out=out)"), numexpr("a * b + 1")),
        out=("f8", same),
    ),
    Case("`cast` to float32", "cast f32", QUARTER, (numpy("np.copyto(out, a, 'same_kind')"),), out=("f4", same)),
    Case("`cast` to int32", "cast i32", QUARTER, (numpy("np.copyto(out, a, 'unsafe')"),), out=("i4", same)),
    Case("`clip`", "clip", QUARTER, (numpy("np.clip(a, 0, 1, out=out)"),), out=("f8", same)),
    Case("`less`", "less", PAIR, (numpy("np.less(a, b, out=out)"), numexpr("a < b")), out=("b1", same)),
    Case(
        "`select`",
        "select",
        PAIR,
        (numpy("np.copyto(out, np.where(a < b, a, b))"), numexpr("where(a < b, a, b)")),
        out=("f8", same),
    ),
    Case("`filter`, half of the elements, to memory", "filter", QUARTER, (numpy("a[a > 1]"),)),
    Case("`map_inplace`", "add in place", QUARTER, (numpy("np.add(out, 1, out=out)"),), out=("f8", same)),
    Case("`fill`", "fill", QUARTER, (numpy("out.fill(1.5)"),), out=("f8", same)),
)

TRANSPOSED = ("f8", lambda shapes: shapes["a"][::-1])

LAYOUT = (
    Case("`transpose`", "transpose", QUARTER, (numpy("np.copyto(out, a.T)"), copy(0.5)), out=TRANSPOSED),
    Case("`copy`", "copy", QUARTER, (numpy("np.copyto(out, a)"), copy()), out=("f8", same)),
    Case(
        "`slice`, `[::2, 1::3]`",
        "slice",
        HALF,
        (numpy("np.copyto(out, a[::2, 1::3])"),),
        out=("f8", lambda shapes: (-(-shapes["a"][0] // 2), -(-(shapes["a"][1] - 1) // 3))),
    ),
    Case("`flip`, axis 1", "flip", QUARTER, (numpy("np.copyto(out, a[:, ::-1])"), copy()), out=("f8", same)),
    Case("`roll_axis`, 0", "roll", QUARTER, (numpy("np.copyto(out, np.roll(a, 7, 0))"), copy()), out=("f8", same)),
    Case(
        "`take`, rows at random",
        "take",
        {"a": Data(), "b": Data("indices", "i8", None, 1 / 4 / 1024)},
        (numpy("np.take(a, b, 0, out, 'clip')"),),
        out=("f8", lambda shapes: (shapes["b"][0], shapes["a"][1])),
    ),
    Case(
        "`concatenate`",
        "concatenate",
        {"a": Data(share=1 / 8), "b": Data(share=1 / 8, seed=2)},
        (numpy("np.concatenate([a, b], out=out)"), copy()),
        out=("f8", lambda shapes: (2 * shapes["a"][0], shapes["a"][1])),
    ),
)

SQUARES = {"a": Data(columns="square", share=1 / 64), "b": Data(columns="square", share=1 / 64, seed=2)}
TALL = {"a": Data(columns=256, share=1 / 4)}

LINALG = (
    Case(
        "`matmul`",
        "matmul",
        SQUARES,
        (
            numpy("np.matmul(a, b, out=out)"),
            dask("da.store(a @ b, out)"),
            in_memory("GEMM in memory", "np.matmul(a, b, out=out)", None),
        ),
        out=("f8", same),
        rtol=1e-9,
        atol=1e-9,
    ),
    Case(
        "`matvec`",
        "matvec",
        {"a": Data(share=1), "b": Data(seed=3, length=1024)},
        (numpy("a @ b"),),
        rtol=1e-9,
        atol=1e-9,
    ),
    Case("`gram`", "gram", TALL, (numpy("a.T @ a"), in_memory("SYRK in memory", "a.T @ a", None)), rtol=1e-9),
    Case("`cov`", "cov", TALL, (numpy("np.cov(a, rowvar=False)"),), rtol=1e-9, atol=1e-9),
    Case(
        "`qr`",
        "qr",
        {"a": Data(columns=64, share=1 / 16)},
        (numpy("np.abs(np.linalg.qr(a)[1])"),),
        rtol=1e-9,
        atol=1e-9,
    ),
    Case(
        "`lstsq`",
        "lstsq",
        {"a": Data(columns=64, share=1 / 16), "b": Data(columns=None, share=1 / 1024, seed=2)},
        (numpy("np.linalg.lstsq(a, b)[0]"),),
        rtol=1e-9,
        atol=1e-9,
    ),
    Case(
        "`pca`, 8 components of 256 columns",
        "pca",
        {"a": Data("low rank", columns=256, share=1 / 8)},
        (numpy("np.linalg.eigvalsh(np.cov(a, rowvar=False))[:-9:-1]"),),
        rtol=1e-6,
    ),
)

OPENING = (
    Case(
        "opening 64 GiB and reading one element",
        "open",
        {"a": Data("sparse", length=8 << 30)},
        (numpy("np.load(a_path, mmap_mode='r')[-1]"),),
        limit=200e-6,
    ),
)

TEXT = {"a": Data("text", "u1", None, 1 / 4)}

SEARCH = (
    Case(
        "`count_where`",
        "count_where",
        A,
        (numpy("np.count_nonzero(a > 2)"), duckdb("select count(*) from a where x > 2")),
    ),
    Case("`flatnonzero`", "flatnonzero", HALF, (numpy("np.flatnonzero(a > 3)"),)),
    Case("`find_value`, which is not there", "find_value", A, (numpy("np.append(np.flatnonzero(a == 1e300), -1)[0]"),)),
    Case(
        "`is_in`, 8 values",
        "is_in",
        INTEGERS,
        (numpy("np.copyto(out, np.isin(a, [3, 141, 592, 653, 5897, 9323, 8462, 6433]))"),),
        out=("b1", same),
    ),
    Case("`bytes().find`, which are not there", "find bytes", TEXT, (python("text.find(b'needle=x')"),)),
    Case("`bytes().count`", "count bytes", TEXT, (python("len(re.findall(b'needle=', text))"),)),
    Case("`bytes().count_regex`", "count regex", TEXT, (python("len(re.findall(b'needle=[0-9]{4}7', text))"),)),
    Case(
        "`replace` of bytes",
        "replace",
        TEXT,
        (python(REPLACE, "`mmap.find` and a slice assignment"),),
        out=("u1", same),
        filled=True,
    ),
)

#: Files of four times the memory of the job, which are not in the page cache.
BEYOND = (
    Case(
        "`sum`",
        "sum",
        A,
        (outcore("raw reads with `O_DIRECT`", "raw direct read", 0.85), numpy("a.sum()", None)),
        origins=("mapped", "file"),
        rtol=1e-12,
    ),
    Case("`median`", "median", HALF, (outcore("one scan, `sum`", "sum", 1 / 2.2), witness("np.median(a)"))),
    Case("`map`, `2a + 1`", "affine", QUARTER, (copy(0.75), witness("out[:] = a * 2 + 1")), out=("f8", same)),
    Case("`transpose`", "transpose", QUARTER, (copy(0.5), witness("np.copyto(out, a.T)")), out=TRANSPOSED),
    Case("`sort`", "sort", PART, (copy(1 / 1.8, times=2), witness("out[:] = np.sort(a)")), out=("f8", same)),
    Case("`gram`", "gram", TALL, (in_memory("SYRK in memory", "a.T @ a", 0.8), witness("a.T @ a")), rtol=1e-9),
    Case(
        "`matmul`",
        "matmul",
        {"a": Data(columns="square", share=1 / 32), "b": Data(columns="square", share=1 / 32, seed=2)},
        (in_memory("GEMM in memory", "np.matmul(a, b, out=out)", 0.8), witness("np.matmul(a, b, out=out)")),
        out=("f8", same),
        rtol=1e-9,
        atol=1e-9,
    ),
)
BEYOND = tuple(replace(case, cold=True, fresh=True, budget=True) for case in BEYOND)

SECTIONS = {
    "Opening": OPENING,
    "Reductions": REDUCTIONS,
    "Order": ORDER,
    "Elementwise, from file to file": ELEMENTWISE,
    "Layout, from file to file": LAYOUT,
    "Linear algebra": LINALG,
    "Search": SEARCH,
    "Cold files of four times the memory budget": BEYOND,
}
