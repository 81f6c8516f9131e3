//! Files that are larger than the address space of a 32-bit machine, and nearly all holes.

use std::path::Path;

use ndarray::{Array2, Ix1, Ix2, s};
use outcore::{AnyArrayFile, ArrayFile, CreateOptions, ErrorKind, Format, MmapArray, OpenOptions, RawLayout, Reserve};

/// Three times 2^28 rows of 16 bytes: 12 GiB.
const ROWS: usize = 3 << 28;

/// Where `usize` has 64 bits, a whole file can be mapped.
const FITS: bool = cfg!(target_pointer_width = "64");

/// Whether files of this folder may have holes, and be as long as is needed here.
fn has_room(dir: &Path) -> bool {
    let path = dir.join("probe");
    let options = CreateOptions::new().format(Format::Native).reserve(Reserve::Sparse);
    let long = options.create_any_file(&path, &"u1".parse().unwrap(), &[13 << 30]).is_ok();
    let _ = std::fs::remove_file(path);
    if !long {
        eprintln!("skipped: this file system has no files of 13 GiB with holes");
    }
    long
}

/// Whether mappings begin where they are asked to.
fn maps_all_offsets() -> bool {
    let wraps = !FITS && std::env::var_os("OUTCORE_EMULATED").is_some();
    if wraps {
        println!("skipped: the emulator maps offsets of 32 bits only, with those above lost");
    }
    !wraps
}

fn rows(start: usize, len: usize) -> Array2<f64> {
    Array2::from_shape_fn((len, 2), |(row, column)| ((start + row) * 2 + column) as f64)
}

#[test]
fn rows_beyond_four_gibibytes_are_read_written_and_mapped() {
    let dir = tempfile::tempdir().unwrap();
    if !has_room(dir.path()) {
        return;
    }
    let windows = maps_all_offsets();
    for (name, format) in [("a.npy", Format::Npy), ("a.oca", Format::Native), ("a.raw", Format::Raw)] {
        let path = dir.path().join(name);
        let options = CreateOptions::new().format(format).reserve(Reserve::Sparse);
        let open = || match format {
            Format::Raw => OpenOptions::new().raw(RawLayout::new().shape([ROWS as u64, 2])),
            _ => OpenOptions::new(),
        };
        options.create_file::<f64, Ix2>(&path, (ROWS, 2)).unwrap().close().unwrap();

        // By position.
        let (last, middle) = (ROWS - 1000, (1 << 28) - 3);
        let mut file = open().open_file_mut::<f64, Ix2>(&path).unwrap();
        assert_eq!((file.len(), file.shape()), (3 << 29, &[ROWS, 2][..]));
        file.write_rows(last, &rows(last, 1000)).unwrap();
        file.write_rows(middle, &rows(middle, 6)).unwrap();
        file.set((ROWS - 1, 1), -1.5).unwrap();
        file.close().unwrap();
        let file = open().open_file::<f64, Ix2>(&path).unwrap();
        assert_eq!(file.read_rows(last..ROWS - 1).unwrap(), rows(last, 999), "{name}");
        assert_eq!(file.read_rows(middle - 1..middle + 6).unwrap().slice(s![1.., ..]), rows(middle, 6), "{name}");
        assert_eq!(file.get((ROWS - 1, 1)).unwrap(), -1.5);
        assert_eq!(file.get((ROWS - 1001, 1)).unwrap(), 0.0);
        let column = file.read_selection(&"[-3:, 1]".parse().unwrap()).unwrap();
        assert_eq!(column.into_raw_vec_and_offset().0, [rows(ROWS - 3, 1)[[0, 1]], rows(ROWS - 2, 1)[[0, 1]], -1.5]);
        if !FITS {
            let error = file.read().unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::OutOfMemory, Some(&*path)), "{error}");
        }
        drop(file);

        // Mapped, as a whole.
        // SAFETY: nobody changes the file.
        match unsafe { open().open::<f64, Ix2>(&path) } {
            Ok(mapped) if FITS => assert_eq!(mapped.slice(s![last..ROWS - 1, ..]), rows(last, 999), "{name}"),
            Ok(_) => panic!("{name} does not fit"),
            Err(error) if FITS => panic!("{error}"),
            Err(error) => {
                assert_eq!((error.kind(), error.path()), (ErrorKind::TooLarge, Some(&*path)), "{error}");
                assert!(error.to_string().contains("(805306368, 2)"), "{error}");
                assert!(error.hint().unwrap().contains("rows(a..b)"), "{error}");
            }
        }

        // Windows of it.
        for start in [middle, last].into_iter().filter(|_| windows) {
            let window = start as u64..start as u64 + 6;
            // SAFETY: nobody changes the file.
            let mapped = unsafe { open().rows(window.clone()).open::<f64, Ix2>(&path) }.unwrap();
            assert_eq!(mapped.view(), rows(start, 6), "{name}");
            drop(mapped);
            // SAFETY: nobody else uses the file.
            let mut mapped = unsafe { open().rows(window).open_mut::<f64, Ix2>(&path) }.unwrap();
            mapped[[5, 0]] = 0.25;
            mapped.flush().unwrap();
            drop(mapped);
            let file = open().open_file::<f64, Ix2>(&path).unwrap();
            assert_eq!(file.get((start + 5, 0)).unwrap(), 0.25);
        }

        // Longer, and shorter.
        let mut file = open().open_file_mut::<f64, Ix2>(&path).unwrap();
        file.append_rows(&rows(ROWS, 2)).unwrap();
        assert_eq!(file.read_rows(ROWS - 1..ROWS + 2).unwrap().slice(s![1.., ..]), rows(ROWS, 2));
        file.resize_rows(ROWS as u64 - 999).unwrap();
        file.close().unwrap();
        if format != Format::Raw {
            let file = ArrayFile::<f64, Ix2>::open(&path).unwrap();
            assert_eq!(file.read_rows(last..last + 1).unwrap(), rows(last, 1), "{name}");
        }
        std::fs::remove_file(path).unwrap();
    }
}

/// A whole that fits the address space by its length, and not by that of its elements.
#[test]
fn what_an_axis_cannot_count_is_too_large() {
    let dir = tempfile::tempdir().unwrap();
    if !has_room(dir.path()) {
        return;
    }
    let path = dir.path().join("bytes.oca");
    let len = (1_u64 << 32) + 5;
    let options = CreateOptions::new().format(Format::Native).reserve(Reserve::Sparse);
    let mut any = options.create_any_file(&path, &"u1".parse().unwrap(), &[len]).unwrap();
    any.write_selection(&"[-2:]".parse().unwrap(), &[7, 8]).unwrap();
    any.close().unwrap();
    let any = AnyArrayFile::open(&path).unwrap();
    assert_eq!(any.header().shape(), [len]);
    assert_eq!(any.read_selection(&"[-3:]".parse().unwrap()).unwrap(), [0, 7, 8]);
    drop(any);
    let typed = ArrayFile::<u8, Ix1>::open(&path);
    if FITS {
        assert_eq!(typed.unwrap().len(), len);
    } else {
        assert_eq!(typed.unwrap_err().kind(), ErrorKind::TooLarge);
    }
    if maps_all_offsets() {
        // SAFETY: nobody changes the file.
        let window = unsafe { OpenOptions::new().rows(len - 3..len).open::<u8, Ix1>(&path) }.unwrap();
        assert_eq!(window.view().to_vec(), [0, 7, 8]);
    }
    // SAFETY: as above.
    let whole = unsafe { MmapArray::<u8, Ix1>::open(&path) };
    assert_eq!(whole.map(drop).map_err(|error| error.kind()), if FITS { Ok(()) } else { Err(ErrorKind::TooLarge) });
}
