"""What the figures were measured on."""

import datetime
import os
import platform
import subprocess
from pathlib import Path


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def describe(folder, versions):
    """One paragraph: date, processor, memory, system, disk, versions."""
    parts = [
        datetime.date.today().isoformat(),
        f"{cores()} cores of {processor()}",
        f"{memory() >> 30} GiB of memory",
        f"{platform.system()} {platform.release()}",
        disk(folder),
        command("rustc", "--version"),
        f"Python {platform.python_version()}",
        *(f"{name} {version}" for name, version in versions.items()),
    ]
    return ", ".join(part for part in parts if part)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", "").split()
    vectors = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), None)
    name = facts.get("model name", platform.machine())
    return f"{name} with {vectors}" if vectors else name


def memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def disk(folder):
    """The file system and the device under a folder."""
    found = command("findmnt", "--noheadings", "--output", "FSTYPE,SOURCE", "--target", str(folder)).split()
    if len(found) != 2:
        return None
    kind, device = found[0], Path(found[1]).name
    if device.startswith("nvme"):
        return f"{kind} on NVMe"
    if device.startswith("vd"):
        return f"{kind} on a virtio disk"
    rotates = Path("/sys/block", device.rstrip("0123456789"), "queue/rotational")
    if rotates.exists():
        return f"{kind} on {'a hard disk' if rotates.read_text().strip() == '1' else 'an SSD'}"
    return kind


def command(*words):
    try:
        return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
