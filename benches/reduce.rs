//! What does each statistic cost over a mapped file in the page cache, on all threads?

mod matrix;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Axis;
use outcore::Job;

fn reduce(c: &mut Criterion) {
    let matrix = matrix::Matrix::new(512);
    let (mapped, job) = (matrix.mapped(), Job::new());
    let mut group = c.benchmark_group("reduce");
    group.sample_size(20).throughput(Throughput::Bytes(matrix.bytes()));
    group.bench_function("sum", |b| b.iter(|| job.sum(&mapped).expect("a sum")));
    group.bench_function("min", |b| b.iter(|| job.min(&mapped).expect("a minimum")));
    group.bench_function("argmax", |b| b.iter(|| job.argmax(&mapped).expect("a maximum")));
    group.bench_function("var", |b| b.iter(|| job.var(&mapped, 0.0).expect("a variance")));
    group.bench_function("nan_mean", |b| b.iter(|| job.nan_mean(&mapped).expect("a mean")));
    group.bench_function("stats", |b| b.iter(|| job.stats(&mapped).expect("statistics")));
    for axis in 0..2 {
        group.bench_function(format!("mean by axis {axis}"), |b| {
            b.iter(|| job.mean_axis(&mapped, Axis(axis)).expect("means"));
        });
        group.bench_function(format!("stats by axis {axis}"), |b| {
            b.iter(|| job.stats_axis(&mapped, Axis(axis)).expect("statistics"));
        });
    }
    group.finish();
}

criterion_group!(benches, reduce);
criterion_main!(benches);
