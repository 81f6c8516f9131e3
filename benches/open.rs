//! How long does it take to open an array and see its first element?

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Ix2;
use outcore::{ArrayFile, CreateOptions, MmapArray, Reserve, peek};

fn open(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("a.npy");
    // 64 GiB that take no room on the disk.
    let file = CreateOptions::new().reserve(Reserve::Sparse).create_file::<f64, Ix2>(&path, (1 << 23, 1 << 10));
    file.and_then(ArrayFile::close).expect("a sparse file");

    let mut group = c.benchmark_group("open");
    group.bench_function("peek", |b| b.iter(|| peek(&path).expect("a header")));
    group.bench_function("mapped, first element", |b| {
        // SAFETY: the folder is this program's own; nobody writes or truncates the file while it is mapped.
        b.iter(|| unsafe { MmapArray::<f64, Ix2>::open(&path) }.expect("an array")[[0, 0]]);
    });
    group.bench_function("positional, first element", |b| {
        b.iter(|| ArrayFile::<f64, Ix2>::open(&path).and_then(|file| file.get((0, 0))).expect("an element"));
    });
    group.finish();
}

criterion_group!(benches, open);
criterion_main!(benches);
