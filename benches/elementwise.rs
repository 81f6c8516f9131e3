//! How fast are elements changed in place, through a mapping and by position?

mod matrix;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use outcore::Job;

fn elementwise(c: &mut Criterion) {
    let matrix = matrix::Matrix::new(256);
    let job = Job::new();
    let mut group = c.benchmark_group("elementwise");
    group.sample_size(10).throughput(Throughput::Bytes(matrix.bytes()));
    let mut file = matrix.file_mut();
    group.bench_function("map_inplace, positional", |b| {
        b.iter(|| job.map_inplace(&mut file, |x| *x = x.sqrt() + 1.0).expect("changed elements"));
    });
    group.bench_function("fill, positional", |b| b.iter(|| job.fill(&mut file, 1.5).expect("elements")));
    drop(file);
    let mut mapped = matrix.mapped_mut();
    group.bench_function("map_inplace, mapped", |b| {
        b.iter(|| job.map_inplace(&mut mapped, |x| *x = x.sqrt() + 1.0).expect("changed elements"));
    });
    group.bench_function("fill, mapped", |b| b.iter(|| job.fill(&mut mapped, 1.5).expect("elements")));
    group.bench_function("ndarray, mapped", |b| b.iter(|| mapped.view_mut().mapv_inplace(|x| x.sqrt() + 1.0)));
    group.finish();
}

criterion_group!(benches, elementwise);
criterion_main!(benches);
