//! How fast does a sum read a file in the page cache, mapped and by position, on one thread and on all?

mod matrix;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use outcore::Job;

fn scan(c: &mut Criterion) {
    let matrix = matrix::Matrix::new(512);
    let (mapped, file) = (matrix.mapped(), matrix.file());
    let mut group = c.benchmark_group("scan");
    group.sample_size(20).throughput(Throughput::Bytes(matrix.bytes()));
    for threads in [1, 2] {
        let job = Job::new().threads(threads);
        group.bench_function(BenchmarkId::new("mapped", threads), |b| b.iter(|| job.sum(&mapped).expect("a sum")));
        group.bench_function(BenchmarkId::new("positional", threads), |b| b.iter(|| job.sum(&file).expect("a sum")));
    }
    group.bench_function("ndarray, mapped", |b| b.iter(|| mapped.sum()));
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
