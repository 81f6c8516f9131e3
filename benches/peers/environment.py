"""What the comparison needs: a Python with the peers, and outcore's side, built."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def python(given):
    """The interpreter of a virtual environment with the peers, made on first use; `given` is taken as it is."""
    if given:
        return given
    wanted = (HERE / "requirements.txt").read_bytes()
    home = target() / "peers" / f"venv-{sys.version_info[0]}.{sys.version_info[1]}"
    interpreter, ready = home / "bin" / "python", home / "ready"
    mark = hashlib.sha256(wanted).hexdigest()
    if not ready.exists() or ready.read_text() != mark:
        print("installing NumPy and the other peers ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        ready.write_text(mark)
    return str(interpreter)


def outcore():
    """The executable of outcore's side, as `cargo bench` builds it."""
    command = ["cargo", "bench", "--no-run", "--features", "full", "--bench", "peers", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for message in map(json.loads, lines):
        if message.get("executable") and message["target"]["name"] == "peers":
            return message["executable"]
    sys.exit("cargo built no bench named peers")


def variables(threads):
    """The environment of a worker: libraries with pools of their own use as many threads as outcore."""
    pools = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON")
    return os.environ | {f"{pool}_NUM_THREADS": str(threads) for pool in pools}
