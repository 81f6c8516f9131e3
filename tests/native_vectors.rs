//! The native format as a stranger meets it: small files in `format-spec/vectors`, sound and damaged, with a manifest of what a
//! reader must find in each. The files are made here, read by this crate, and by a reader that was written from the text of
//! the specification alone.
//!
//! `cargo test --test native_vectors -- --ignored regenerate` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use outcore::compute::SealState;
use outcore::format::native::{
    Attributes, ChecksumTable, Extent, HEAD_LEN, Head, Journal, JournalBlock, PAGE, Preamble, SLOT_OFFSETS, Seal, Slot,
};
use outcore::{AnyArrayFile, DType, ErrorKind, Order, Result};
use serde_json::{Value, json};

#[path = "support/numpy.rs"]
mod numpy;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("format-spec")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A file and what a reader must find in it.
struct Vector {
    name: &'static str,
    what: &'static str,
    bytes: Vec<u8>,
    expected: Value,
}

/// A file in the making.
#[derive(Clone)]
struct Maker {
    preamble: Preamble,
    slots: [Slot; 2],
    body: Vec<u8>,
    /// What lies behind the elements, from a multiple of the page on.
    tail: Vec<u8>,
}

impl Maker {
    fn new(dtype: &str, shape: &[u64], order: Order, body: impl Into<Vec<u8>>) -> Self {
        let dtype: DType = dtype.parse().unwrap();
        let preamble = Preamble::new(dtype, order, shape.len()).unwrap();
        let slot = Slot { generation: 1, shape: shape.to_vec(), journal: None, seal: None, attrs: Attributes::new() };
        let maker = Self { preamble, slots: [slot.clone(), slot], body: body.into(), tail: Vec::new() };
        assert_eq!(maker.active().body_len(&maker.preamble), maker.body.len() as u64);
        maker
    }

    fn active(&self) -> &Slot {
        &self.slots[usize::from(self.slots[1].generation > self.slots[0].generation)]
    }

    /// Commits the next generation into the slot that is not active.
    fn commit(mut self, change: impl FnOnce(&mut Slot)) -> Self {
        let mut slot = self.active().clone();
        slot.generation += 1;
        change(&mut slot);
        let inactive = usize::from(self.slots[1].generation <= self.slots[0].generation);
        self.slots[inactive] = slot;
        self
    }

    fn tail_begin(&self) -> u64 {
        (self.preamble.data_offset + self.body.len() as u64).next_multiple_of(PAGE)
    }

    /// Checksums in blocks of a page.
    fn seal(mut self) -> Self {
        let generation = self.active().generation + 1;
        let table = ChecksumTable {
            uuid: self.preamble.uuid,
            generation,
            body_len: self.body.len() as u64,
            block_len: 4096,
            sums: self.body.chunks(4096).map(crc32fast::hash).collect(),
        };
        self.tail = table.to_bytes().unwrap();
        let table = Extent { offset: self.tail_begin(), len: self.tail.len() as u64 };
        self.commit(|slot| slot.seal = Some(Seal { table, generation }))
    }

    /// A journal of these changes, of which the first `done` bytes are in place already.
    fn journal(mut self, changes: &[(usize, &[u8])], done: usize) -> Self {
        let begin = usize::try_from(self.preamble.data_offset).unwrap();
        let block =
            |&(at, new): &(usize, &[u8])| JournalBlock::new((begin + at) as u64, &self.body[at..at + new.len()], new);
        let journal = Journal {
            uuid: self.preamble.uuid,
            generation: self.active().generation + 1,
            data_end: self.preamble.data_offset + self.body.len() as u64,
            head_crc: 0,
            blocks: changes.iter().map(block).collect(),
        };
        self.tail = journal.to_bytes().unwrap();
        let mut left = done;
        for (at, new) in changes {
            self.tail.extend(*new);
            let part = left.min(new.len());
            self.body[*at..at + part].copy_from_slice(&new[..part]);
            left -= part;
        }
        let extent = Extent { offset: self.tail_begin(), len: self.tail.len() as u64 };
        assert_eq!(extent.len, journal.len());
        self.commit(|slot| (slot.journal, slot.seal) = (Some(extent), None))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.preamble.to_bytes().unwrap();
        for slot in &self.slots {
            bytes.extend(slot.to_bytes(&self.preamble).unwrap());
        }
        bytes.resize(usize::try_from(self.preamble.data_offset).unwrap(), 0);
        bytes.extend(&self.body);
        if !self.tail.is_empty() {
            bytes.resize(usize::try_from(self.tail_begin()).unwrap(), 0);
            bytes.extend(&self.tail);
        }
        bytes
    }

    /// What a reader must find.
    fn found(&self) -> Value {
        let slot = self.active();
        json!({
            "dtype": self.preamble.dtype.descr(),
            "itemsize": self.preamble.dtype.itemsize(),
            "order": self.preamble.order.to_string(),
            "shape": slot.shape,
            "data_offset": self.preamble.data_offset,
            "generation": slot.generation,
            "attrs": slot.attrs,
            "elements": hex(&self.body),
            "journal_blocks": 0,
            "checksums": if slot.seal.is_some() { "verified" } else { "unverified" },
            "damaged_blocks": [],
        })
    }

    fn vector(&self, name: &'static str, what: &'static str) -> Vector {
        Vector { name, what, bytes: self.bytes(), expected: self.found() }
    }
}

impl Vector {
    /// Another expectation.
    fn but(mut self, key: &str, value: Value) -> Self {
        self.expected[key] = value;
        self
    }

    /// Other bytes.
    fn with(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.bytes);
        self
    }

    fn fails(mut self, kind: &str) -> Self {
        self.expected = json!({ "error": kind });
        self
    }

    /// Breaks a rule that a reader need not check, by native.md, "What a reader may accept".
    fn or_not(mut self) -> Self {
        self.expected["reader"] = json!("may accept");
        self
    }
}

/// Changes bytes of page 0, 1 or 2, and makes its checksum right again.
fn sign(bytes: &mut [u8], page: usize, changes: &[(usize, &[u8])]) {
    let begin = page * 4096;
    for (at, value) in changes {
        bytes[begin + at..begin + at + value.len()].copy_from_slice(value);
    }
    let mut signed = if page == 0 { Vec::new() } else { bytes[40..56].to_vec() };
    signed.extend(&bytes[begin..begin + 4092]);
    bytes[begin + 4092..begin + 4096].copy_from_slice(&crc32fast::hash(&signed).to_le_bytes());
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn attrs(text: &str) -> Attributes {
    Attributes::from_serialize(&serde_json::from_str::<Value>(text).unwrap()).unwrap()
}

fn vectors() -> Vec<Vector> {
    let plain = Maker::new("<f4", &[2, 3], Order::C, floats(&[0.0, 0.5, 1.0, 1.5, 2.0, 2.5]));
    let long = Maker::new("|u1", &[4100], Order::C, (0..=250).cycle().take(4100).collect::<Vec<u8>>());
    let grown = {
        let mut maker = plain.clone();
        maker.body.extend(floats(&[3.0, 3.5, 4.0]));
        maker
            .commit(|slot| slot.attrs.insert("units", &"K").unwrap())
            .commit(|slot| slot.shape = vec![3, 3])
            .commit(|slot| slot.attrs.insert("axes", &["row", "column"]).unwrap())
    };
    let sealed = long.clone().seal();
    let changes: [(usize, &[u8]); 3] = [(0, b"one"), (300, &[0xAA; 600]), (4096, b"tail")];
    let pending = long.clone().journal(&changes, 3 + 212);
    let mut after = long.body.clone();
    for (at, new) in changes {
        after[at..at + new.len()].copy_from_slice(new);
    }
    let record = "[('t', '>M8[s]'), ('x', '<f4', (2,)), ('', '|V4'), ((u'where\\'s', 'name'), '|S3')]";

    vec![
        plain.vector("c_order.oca", "row-major; the file that the specification prints"),
        Maker::new("<i2", &[2, 3], Order::F, [1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0])
            .vector("f_order.oca", "column-major: [[1, 2, 3], [4, 5, 6]]"),
        Maker::new("<f8", &[], Order::C, 2.5_f64.to_le_bytes()).vector("no_axes.oca", "one element and no axis"),
        Maker::new("<f8", &[0, 4], Order::C, []).vector("empty.oca", "an axis of length 0, and no body"),
        Maker::new(">f8", &[3], Order::C, [1.0_f64, -2.0, 0.5].map(f64::to_be_bytes).concat())
            .vector("big_endian.oca", "big-endian elements"),
        Maker::new("<bfloat16", &[2], Order::C, [0x80, 0x3f, 0x00, 0xc0])
            .vector("bfloat16.oca", "bfloat16, which .npy does not have: 1 and -2"),
        Maker::new(record, &[2], Order::C, (0..46).collect::<Vec<u8>>())
            .vector("record.oca", "records with mixed byte orders, a sub-array, padding and a title"),
        Maker::new("|b1", &[1, 5], Order::F, [1, 0, 1, 1, 0])
            .commit(|slot| {
                slot.attrs =
                    attrs(r#"{"units": "°C", "axes": ["x", "t"], "scale": 0.1, "more": {"b": [null, true], "a": 1}}"#);
            })
            .vector("attributes.oca", "attributes, in the second generation; the last axis grows"),
        grown.vector("generations.oca", "four commits: one row and two attributes more"),
        {
            let mut maker = plain.clone();
            maker.preamble.data_offset = 20480;
            maker.vector("data_offset.oca", "a body that begins a page later")
        },
        plain.vector("ignorable.oca", "minor version 7: flags that may be ignored, and reserved bytes in use").with(
            |bytes| {
                sign(bytes, 0, &[(10, &[7]), (16, &[0, 0, 0, 0x80]), (58, b"later"), (4000, b"later")]);
                sign(bytes, 1, &[(20, &[1]), (80, b"later")]);
                sign(bytes, 2, &[(20, &[1]), (80, b"later")]);
                bytes[12288..12293].copy_from_slice(b"later");
            },
        ),
        sealed.vector("sealed.oca", "checksums of two blocks"),
        sealed
            .clone()
            .commit(|slot| slot.attrs.insert("checked", &true).unwrap())
            .vector("sealed_attributes.oca", "attributes changed since the seal, which they do not end"),
        sealed
            .vector("sealed_flipped_bit.oca", "one flipped bit in the second block")
            .with(|bytes| bytes[HEAD_LEN + 4099] ^= 4)
            .but(
                "elements",
                json!(hex(&{
                    let mut body = sealed.body.clone();
                    body[4099] ^= 4;
                    body
                })),
            )
            .but("checksums", json!("mismatch"))
            .but("damaged_blocks", json!([1])),
        sealed
            .clone()
            .commit(|slot| slot.seal = None)
            .vector("seal_ended.oca", "the slot points at the checksums no more, which are still there"),
        sealed
            .vector("seal_stale.oca", "checksums of another generation than the slot names")
            .with(|bytes| sign(bytes, 2, &[(64, &[1])]))
            .but("checksums", json!("unverified")),
        sealed
            .vector("seal_damaged.oca", "one flipped bit in the checksums")
            .with(|bytes| *bytes.last_mut().unwrap() ^= 1)
            .but("checksums", json!("unverified")),
        sealed
            .vector("seal_cut.oca", "the file ends before its checksums, which no opening looks at")
            .with(|bytes| bytes.truncate(HEAD_LEN + 4100))
            .but("checksums", json!("unverified")),
        pending
            .vector("journal.oca", "a committed transaction of three blocks, of which one and a sector are in place")
            .but("elements", json!(hex(&after)))
            .but("journal_blocks", json!(3)),
        pending
            .vector("journal_overtaken.oca", "a sector that is neither before nor after the transaction")
            .with(|bytes| bytes[HEAD_LEN + 4097] ^= 1)
            .fails("corrupt"),
        pending
            .vector("journal_damaged.oca", "a flipped bit in the new bytes of a journal")
            .with(|bytes| *bytes.last_mut().unwrap() ^= 1)
            .fails("corrupt"),
        pending
            .vector("journal_cut.oca", "the file ends one byte before its journal does")
            .with(|bytes| bytes.truncate(bytes.len() - 1))
            .fails("truncated"),
        {
            let torn = grown.clone().commit(|slot| slot.shape = vec![2, 3]);
            let whole = torn.bytes();
            grown
                .vector("torn_slot.oca", "generation 5 was on its way into the first slot: one sector of it is there")
                .with(|bytes| bytes[4096..4096 + 512].copy_from_slice(&whole[4096..4096 + 512]))
        },
        {
            // Generations 3 and 4 have three rows: make the older one have two, which are there.
            let mut older = grown.clone();
            older.slots[0].shape = vec![2, 3];
            older
                .vector(
                    "row_lost.oca",
                    "the file has lost the end of a row of the newer slot; the older one is not taken",
                )
                .with(|bytes| bytes.truncate(HEAD_LEN + 35))
                .fails("truncated")
        },
        {
            // What was cut off after the array shrank.
            let mut shrunk = grown.clone().commit(|slot| slot.shape = vec![2, 3]);
            shrunk.body.truncate(24);
            shrunk.vector("shrunk.oca", "the older slot is of a time when the array was longer than the file is now")
        },
        plain
            .vector("text_mode.oca", "a transfer as text has made CR LF one LF")
            .with(|bytes| _ = bytes.remove(4))
            .fails("unknown format"),
        plain
            .vector("major_version.oca", "version 2.0")
            .with(|bytes| sign(bytes, 0, &[(8, &[2])]))
            .fails("unsupported"),
        plain
            .vector("preamble_flag.oca", "a flag in the preamble that must not be ignored")
            .with(|bytes| sign(bytes, 0, &[(12, &[1])]))
            .fails("unsupported"),
        grown
            .vector("slot_flag.oca", "a flag in the newer slot that must not be ignored")
            .with(|bytes| sign(bytes, 2, &[(19, &[0x80])]))
            .fails("unsupported"),
        plain
            .vector("preamble_bit.oca", "one flipped bit in the preamble")
            .with(|bytes| bytes[66] ^= 1)
            .fails("corrupt"),
        plain
            .vector("native_order.oca", "a dtype that means another thing on another machine")
            .with(|bytes| sign(bytes, 0, &[(64, b"'=f4'")]))
            .fails("corrupt"),
        plain
            .vector("no_slot.oca", "one flipped bit in each slot")
            .with(|bytes| {
                bytes[4096 + 96] ^= 1;
                bytes[8192 + 8] ^= 1;
            })
            .fails("corrupt"),
        plain
            .vector("reserved.oca", "a reserved page that is not zero")
            .with(|bytes| bytes[16383] = 1)
            .fails("corrupt")
            .or_not(),
        plain
            .vector("twins.oca", "two slots of one generation that differ")
            .with(|bytes| sign(bytes, 2, &[(24, &[0]), (96, &[0])]))
            .fails("corrupt"),
        plain
            .vector("cut_body.oca", "the last byte of the body is missing")
            .with(|bytes| _ = bytes.pop())
            .fails("truncated"),
        plain.vector("cut_head.oca", "the file ends in a slot").with(|bytes| bytes.truncate(8200)).fails("truncated"),
    ]
}

fn manifest(vectors: &[Vector]) -> Value {
    let entry = |vector: &Vector| {
        let mut entry = json!({ "file": vector.name, "what": vector.what });
        entry.as_object_mut().unwrap().extend(vector.expected.as_object().unwrap().clone());
        entry
    };
    json!({ "vectors": vectors.iter().map(entry).collect::<Vec<_>>() })
}

/// The entries of the manifest, as it lies beside the files.
fn entries() -> Vec<Value> {
    let text = fs::read_to_string(folder().join("vectors/manifest.json")).unwrap();
    let mut manifest: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(entries) = manifest["vectors"].take() else { panic!("no list of vectors") };
    assert!(entries.len() > 30);
    entries
}

fn path_of(entry: &Value) -> PathBuf {
    folder().join("vectors").join(entry["file"].as_str().unwrap())
}

#[test]
#[ignore = "writes the files of format-spec/vectors"]
fn regenerate() {
    let folder = folder().join("vectors");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let vectors = vectors();
    for vector in &vectors {
        fs::write(folder.join(vector.name), &vector.bytes).unwrap();
    }
    let text = serde_json::to_string_pretty(&manifest(&vectors)).unwrap();
    fs::write(folder.join("manifest.json"), text + "\n").unwrap();
}

#[test]
fn the_files_are_those_that_are_made_here() {
    let vectors = vectors();
    for vector in &vectors {
        let found = fs::read(folder().join("vectors").join(vector.name)).unwrap();
        assert!(found == vector.bytes, "{} is another file", vector.name);
    }
    let expected = manifest(&vectors);
    for (entry, expected) in entries().iter().zip(expected["vectors"].as_array().unwrap()) {
        assert!(entry == expected, "the entry of {} is another one", expected["file"]);
    }
    assert_eq!(entries().len(), vectors.len());
    // The folder beside them is that of `written_vectors.rs`.
    let names = fs::read_dir(folder().join("vectors")).unwrap();
    let files = names.filter(|name| name.as_ref().unwrap().path().is_file()).count();
    assert_eq!(files, vectors.len() + 1, "there are files that no manifest names");
}

/// What the functions of the format say of a file, put together as a reader would.
fn read(file: &[u8]) -> Result<Value, ErrorKind> {
    let at = |offset: u64| usize::try_from(offset).unwrap();
    let head = Head::parse(&file[..file.len().min(HEAD_LEN)], file.len() as u64).map_err(|error| error.kind())?;
    let (preamble, slot, header) = (&head.preamble, head.slot(), head.header().unwrap());
    let mut body = file[at(header.data_offset())..at(header.data_end())].to_vec();
    let part = |extent: Extent| {
        let [begin, end] = [extent.offset, extent.offset + extent.len].map(|offset| file.len().min(at(offset)));
        &file[begin..end]
    };

    let (mut checksums, mut damaged) = ("unverified", Vec::new());
    let table = slot.seal.and_then(|seal| ChecksumTable::parse(part(seal.table)).ok());
    if let Some(table) = table.filter(|table| table.check_native(preamble, slot).is_ok()) {
        let sums = body.chunks(at(table.block_len.into())).map(crc32fast::hash).zip(table.sums).enumerate();
        damaged = sums.filter(|(_, (found, expected))| found != expected).map(|(block, _)| block).collect();
        checksums = if damaged.is_empty() { "verified" } else { "mismatch" };
    }

    let mut blocks = 0;
    if let Some(extent) = slot.journal {
        let bytes = part(extent);
        let journal = Journal::parse(bytes, extent.len).map_err(|error| error.kind())?;
        journal.check_native(preamble, slot).map_err(|error| error.kind())?;
        let mut new = &bytes[at(journal.data_offset())..];
        for block in &journal.blocks {
            let (now, rest) = new.split_at(at(block.len.into()));
            let place = at(block.offset - header.data_offset());
            let old = &mut body[place..place + now.len()];
            if !block.check_new(now) || !block.admits(old, now) {
                return Err(ErrorKind::Corrupt);
            }
            old.copy_from_slice(now);
            new = rest;
        }
        blocks = journal.blocks.len();
    }
    Ok(json!({
        "dtype": preamble.dtype.descr(),
        "itemsize": header.itemsize(),
        "order": preamble.order.to_string(),
        "shape": slot.shape,
        "data_offset": header.data_offset(),
        "generation": slot.generation,
        "attrs": slot.attrs,
        "elements": hex(&body),
        "journal_blocks": blocks,
        "checksums": checksums,
        "damaged_blocks": damaged,
    }))
}

fn kind(name: &str) -> ErrorKind {
    match name {
        "corrupt" => ErrorKind::Corrupt,
        "truncated" => ErrorKind::Truncated,
        "unsupported" => ErrorKind::Unsupported,
        "unknown format" => ErrorKind::UnknownFormat,
        other => panic!("{other:?} is no kind of error"),
    }
}

#[test]
fn the_functions_of_the_format_read_them() {
    for entry in entries() {
        let found = read(&fs::read(path_of(&entry)).unwrap());
        match entry["error"].as_str() {
            Some(name) => assert_eq!(found, Err(kind(name)), "{}", entry["file"]),
            None => {
                for (key, value) in found.unwrap().as_object().unwrap() {
                    assert_eq!(*value, entry[key], "{key} of {}", entry["file"]);
                }
            }
        }
    }
}

/// Elements in row-major order, put into the other one.
fn column_major(bytes: &[u8], shape: &[usize], itemsize: usize) -> Vec<u8> {
    let mut moved = vec![0; bytes.len()];
    for (index, item) in bytes.chunks(itemsize).enumerate() {
        let (mut rest, mut place, mut step) = (index, 0, bytes.len() / itemsize);
        for len in shape.iter().rev() {
            step /= len;
            place += rest % len * step;
            rest /= len;
        }
        moved[place * itemsize..][..itemsize].copy_from_slice(item);
    }
    moved
}

#[test]
fn array_files_read_them() {
    for entry in entries() {
        let name = &entry["file"];
        let opened = AnyArrayFile::open(path_of(&entry));
        if let Some(expected) = entry["error"].as_str() {
            assert_eq!(opened.map(|_| ()).map_err(|error| error.kind()), Err(kind(expected)), "{name}");
            continue;
        }
        let file = opened.unwrap();
        let header = file.header();
        let (shape, itemsize) = (header.shape(), header.itemsize());
        let mut elements: Vec<u8> = file.blocks(100).flat_map(Result::unwrap).collect();
        if entry["order"] == "F" {
            let shape: Vec<_> = shape.iter().map(|&len| usize::try_from(len).unwrap()).collect();
            elements = column_major(&elements, &shape, itemsize);
        }
        let verification = file.verify().unwrap();
        let damaged: Vec<_> = verification.mismatches.iter().map(|mismatch| mismatch.block).collect();
        let checksums = match verification.state {
            SealState::Verified => "verified",
            SealState::Damaged => "mismatch",
            _ => "unverified",
        };
        assert_eq!(header.dtype().descr(), entry["dtype"].as_str().unwrap(), "{name}");
        assert_eq!(json!([shape, itemsize]), json!([entry["shape"], entry["itemsize"]]), "{name}");
        assert_eq!(header.data_offset(), entry["data_offset"], "{name}");
        assert_eq!(file.native_state().unwrap().generation, entry["generation"], "{name}");
        assert_eq!(json!(file.attrs()), entry["attrs"], "{name}");
        assert_eq!(hex(&elements), entry["elements"].as_str().unwrap(), "{name}");
        assert_eq!(file.has_pending_transaction(), entry["journal_blocks"] != 0, "{name}");
        assert_eq!(json!([checksums, damaged]), json!([entry["checksums"], entry["damaged_blocks"]]), "{name}");
    }
}

/// Else the text is too hard to follow.
#[test]
fn a_reader_takes_about_a_hundred_lines() {
    let text = fs::read_to_string(folder().join("reader.py")).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    assert!(lines.len() < 110, "{} lines of code", lines.len());
    assert!(lines.iter().all(|line| line.len() <= 120));
}

/// The reader that was written from the specification, without NumPy: everything but the array.
#[test]
fn a_reader_from_the_text_alone_reads_them() {
    for entry in entries() {
        let Some(mut python) = numpy::plain() else { return };
        let output = python.arg(folder().join("reader.py")).arg(path_of(&entry)).output().unwrap();
        let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        if entry["reader"] == "may accept" && output.status.success() {
            continue;
        }
        if let Some(name) = entry["error"].as_str() {
            assert_eq!(output.status.code(), Some(1), "{}: {stdout}", entry["file"]);
            assert!(
                stderr.contains(&format!(": {name}: ")) && stderr.lines().count() == 1,
                "{}: {stderr}",
                entry["file"]
            );
            continue;
        }
        assert!(output.status.success(), "{}: {stderr}", entry["file"]);
        let found: Value = serde_json::from_str(&stdout).unwrap();
        for key in [
            "dtype",
            "itemsize",
            "order",
            "shape",
            "generation",
            "attrs",
            "journal_blocks",
            "checksums",
            "damaged_blocks",
        ] {
            assert_eq!(found[key], entry[key], "{key} of {}", entry["file"]);
        }
        let elements = unhex(entry["elements"].as_str().unwrap());
        assert_eq!(found["elements"]["bytes"], elements.len(), "{}", entry["file"]);
        assert_eq!(found["elements"]["crc32"], format!("{:08x}", crc32fast::hash(&elements)), "{}", entry["file"]);
    }
}

/// The part of the grammar that every reader has to know.
#[test]
fn the_reader_refuses_types_that_depend_on_the_machine() {
    let script = "
import sys
sys.path.insert(0, sys.argv[1])
import reader
sizes = [reader.item_size(code) for code in ['|u1', '|b1', '<u2', '>c16', '<U3', '|S5', '<M8[25s]', '>bfloat16']]
assert sizes == [1, 1, 2, 16, 12, 5, 8, 2], sizes
for code in ['f8', '=f8', '|f8', '|i2', '|U1', '|M8[s]', '|bfloat16', '<bfloat32', 'float64', '|O8', '|u16']:
    try:
        raise SystemExit(f'{code} has {reader.item_size(code)} bytes')
    except reader.ReadError as error:
        assert str(error).startswith('corrupt: '), error
";
    let Some(mut python) = numpy::plain() else { return };
    let output = python.args(["-B", "-c", script]).arg(folder()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The same with NumPy, as a module: the array.
#[test]
fn the_reader_hands_out_arrays() {
    let script = "
sys.path.insert(0, args[0])
import reader
for name in args[1:]:
    array, attrs = reader.read(os.path.join(args[0], 'vectors', name))
    order = 'F' if array.flags.f_contiguous and not array.flags.c_contiguous else 'C'
    print(json.dumps([name, list(array.shape), array.dtype.itemsize, array.tobytes(order='A').hex(), attrs, order, str(array.dtype)]))
array, attrs = reader.read(os.path.join(args[0], 'vectors', 'f_order.oca'))
assert array.tolist() == [[1, 2, 3], [4, 5, 6]], array
array, attrs = reader.read(os.path.join(args[0], 'vectors', 'big_endian.oca'))
assert array.tolist() == [1.0, -2.0, 0.5], array
";
    let sound: Vec<_> = entries().into_iter().filter(|entry| entry["error"].is_null()).collect();
    let folder = folder();
    let mut args = vec![folder.as_os_str()];
    args.extend(sound.iter().map(|entry| std::ffi::OsStr::new(entry["file"].as_str().unwrap())));
    let Some(stdout) = numpy::run(script, &args) else { return };
    assert_eq!(stdout.lines().count(), sound.len());
    for (line, entry) in stdout.lines().zip(&sound) {
        let found: Value = serde_json::from_str(line).unwrap();
        let keys = ["file", "shape", "itemsize", "elements", "attrs"];
        for (index, key) in keys.into_iter().enumerate() {
            assert_eq!(found[index], entry[key], "{key} of {}", entry["file"]);
        }
    }
}

/// The dump in the text is that of the file.
#[test]
fn the_specification_prints_a_real_file() {
    let text = fs::read_to_string(folder().join("native.md")).unwrap();
    let file = fs::read(folder().join("vectors/c_order.oca")).unwrap();
    let mut printed = vec![false; file.len()];
    for line in text.lines().filter(|line| line.get(8..10) == Some("  ")) {
        let Ok(at) = usize::from_str_radix(&line[..8], 16) else { continue };
        let bytes: Vec<_> = line[10..].split_whitespace().map_while(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        assert!(!bytes.is_empty(), "{line}");
        assert_eq!(file[at..at + bytes.len()], bytes, "{line}");
        printed[at..at + bytes.len()].fill(true);
    }
    // All that is left out is zero, but for the second slot, which is like the first one.
    assert_eq!(file[4096..8192], file[8192..12288]);
    let left_out = (0..file.len()).filter(|&at| !printed[at] && !(SLOT_OFFSETS[1]..3 * PAGE).contains(&(at as u64)));
    let left_out: Vec<_> = left_out.filter(|&at| file[at] != 0).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}
