"""Reads the native format (.oca) of outcore; written from native.md alone, to see that the text is enough.

As a module, with NumPy: array, attributes = reader.read("m.oca"). As a command, without: python3 reader.py FILE
"""
import ast, json, math, pathlib, re, struct, sys, zlib
from types import SimpleNamespace


class ReadError(ValueError):
    """Its text begins with the kind: unknown format, corrupt, truncated, unsupported."""


def need(condition, message):
    if not condition:
        raise ReadError(message)


def item_size(descr):
    """Bytes of one element: a scalar, or a list of fields."""
    if isinstance(descr, list):
        return sum(item_size(base) * math.prod(shape[0] if shape else ()) for _, base, *shape in descr)
    match = re.fullmatch(r"(?:\|[bSV]|\|[iu](?=1$)|[<>](?:bfloat(?=16$)|[iufcmMU]))([0-9]+)(?:\[\w+\])?", descr)
    need(match, f"corrupt: no type that every machine reads: {descr!r}")
    return 2 if "bfloat" in descr else int(match[1]) * (4 if descr[1] == "U" else 1)


def read_preamble(page):
    need(page[:8] == b"\x89OCA\r\n\x1a\n"[:len(page)], "unknown format: it does not begin with \\x89OCA")
    need(len(page) == 4096, "truncated: the file ends in its preamble")
    need(zlib.crc32(page[:4092]) == int.from_bytes(page[4092:], "little"), "corrupt: checksum of the preamble")
    major, minor, flags, _, _, order, axes, size, offset, uuid, length = struct.unpack("<HHIIccHQQ16sH", page[8:58])
    need(major == 1 and flags == 0, f"unsupported: version {major}.{minor}, flags {flags:#x}")
    good = order in b"CF" and axes <= 64 and length <= 4028 and offset >= 16384 and offset % 4096 == 0
    need(good, "corrupt: order, axes, data offset or length of the dtype")
    descr = ast.literal_eval(page[64:64 + length].decode())
    need(size == item_size(descr), f"corrupt: item size {size} of {descr}")
    return SimpleNamespace(order=order.decode(), axes=axes, size=size, offset=offset, uuid=uuid, descr=descr)


def read_slot(head, page):
    need(zlib.crc32(head.uuid + page[:4092]) == int.from_bytes(page[4092:], "little"), "corrupt: checksum of a slot")
    magic, generation, flags, _, body, *places, length = struct.unpack("<8sQIIQQQQQQI", page[:76])
    need(flags == 0, f"unsupported: flags {flags:#x} in a slot")
    shape = struct.unpack_from(f"<{head.axes}Q", page, 96)
    begin, end = 96 + 8 * head.axes, head.offset + body
    good = magic == b"OCA SLOT" and generation > 0 and body == math.prod(shape) * head.size and begin + length <= 4092
    need(good, "corrupt: magic, generation, shape or length of the attributes")
    attrs = json.loads(page[begin:begin + length].decode() or "{}")
    need(isinstance(attrs, dict), "corrupt: the attributes are no object")
    return SimpleNamespace(page=page, generation=generation, shape=shape, end=end, attrs=attrs, places=places)


def choose_slot(head, pages):
    slots, errors = [], []
    for page in pages:
        try:
            slots.append(read_slot(head, page))
        except (ValueError, RecursionError) as error:
            errors.append(str(error) if isinstance(error, ReadError) else f"corrupt: the attributes: {error}")
            need(not errors[-1].startswith("unsupported"), errors[-1])
    need(slots, "; ".join(errors))
    a, b = slots[0], slots[-1]
    need(a.generation != b.generation or a.page == b.page, "corrupt: two slots of one generation differ")
    return max(slots, key=lambda slot: slot.generation)


def check_sums(head, slot, body, table):
    """The state of the elements, and the blocks that are damaged."""
    *stated, block, zero, count, zero_too, crc = struct.unpack("<8s16sQQIIQII", table[:64].ljust(64))
    sound = stated == [b"OCA SUMS", head.uuid, slot.places[4], len(body)] and zero == zero_too == 0 and block > 0
    sound = sound and block % 4096 == 0 and count == -(-len(body) // block) and len(table) == 64 + 4 * count
    if not sound or zlib.crc32(table[:60] + table[64:]) != crc:
        return "unverified", []
    blocks = enumerate(struct.iter_unpack("<I", table[64:]))
    bad = [at for at, (crc,) in blocks if zlib.crc32(body[at * block:(at + 1) * block]) != crc]
    return "mismatch" if bad else "verified", bad


def overlay(head, slot, content, journal):
    """Puts the new bytes of the journal in their places in memory; the number of blocks."""
    *stated, count, zero, crc = struct.unpack("<8s16sQQQQII", journal[:64].ljust(64))
    expected, at, last = [b"OCA JRNL", head.uuid, slot.generation, slot.end, 0], 64 + 48 * count, head.offset
    need(stated == expected and zero == 0, "corrupt: the journal of another file")
    need(at <= len(journal) and zlib.crc32(journal[:60] + journal[64:at]) == crc, "corrupt: checksum of the journal")
    for place, length, crc, *old in struct.iter_unpack("<QII8I", journal[64:at]):
        new, at, past, page = journal[at:at + length], at + length, place + length, place - place % 4096
        good = last <= place < past <= min(slot.end, page + 4096) and zlib.crc32(new) == crc
        need(good, "corrupt: place or checksum of a block of the journal")
        for sector, crc in zip(range(page, page + 4096, 512), old):
            a, b = max(sector, place), max(min(sector + 512, past), place)
            good = zlib.crc32(content[a:b]) == crc or content[a:b] == new[a - place:b - place]
            need(good, "corrupt: bytes that changed since the transaction")
        content[place:past], last = new, past
    need(at == len(journal), "corrupt: length of the journal")
    return count


def load(path):
    """What the command prints, and the elements as bytes."""
    content = bytearray(pathlib.Path(path).read_bytes())
    head = read_preamble(content[:4096])
    need(len(content) >= 16384, "truncated: the file ends in its head")
    slot = choose_slot(head, (content[4096:8192], content[8192:12288]))
    need(slot.end <= len(content), "truncated: the file ends before its elements")
    journal, journal_len, table, table_len, _ = slot.places
    need(journal + journal_len <= len(content), "truncated: the file ends before its journal")
    state, bad = check_sums(head, slot, content[head.offset:slot.end], content[table:table + table_len])
    blocks = overlay(head, slot, content, content[journal:journal + journal_len]) if journal else 0
    body = content[head.offset:slot.end]
    return {"dtype": repr(head.descr), "itemsize": head.size, "shape": slot.shape, "order": head.order,
            "generation": slot.generation, "attrs": slot.attrs, "checksums": state, "damaged_blocks": bad,
            "journal_blocks": blocks, "elements": {"bytes": len(body), "crc32": f"{zlib.crc32(body):08x}"}}, body


def read(path):
    """The array and its attributes. bfloat16 comes as the unsigned integers of its bits: NumPy has no such type."""
    import numpy
    def known(base):
        return base.replace("bfloat16", "u2") if isinstance(base, str) else [(f[0], known(f[1]), *f[2:]) for f in base]
    found, body = load(path)
    dtype = numpy.lib.format.descr_to_dtype(known(ast.literal_eval(found["dtype"])))
    return numpy.ndarray(found["shape"], dtype, buffer=body, order=found["order"]), found["attrs"]


if __name__ == "__main__":
    try:
        print(json.dumps(load(sys.argv[1])[0]))
    except (OSError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        sys.exit(f"{sys.argv[1]}: {error if isinstance(error, (OSError, ReadError)) else f'corrupt: {error}'}")
