//! Reductions, and running ones.

use ndarray::{Array1, Axis, Ix1, Ix2};
use outcore::MmapArray;

use crate::request::{Answer, Fallible, Request, Run, array, later, numbers, on, written};

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    Ok(Some(match request.op.as_str() {
        "open" => {
            let path = request.input("a")?.path.clone();
            Box::new(move || {
                // SAFETY: the file belongs to the comparison; nobody writes or truncates it while it is mapped.
                let a = unsafe { MmapArray::<f64, Ix1>::open(&path)? };
                numbers([a[a.len() - 1]])
            })
        }
        "sum" => on!(request, f64, Ix2, |job, a| numbers([job.sum(a)?])),
        "sum f32" => on!(request, f32, Ix2, |job, a| numbers([job.sum(a)?])),
        "mean" => on!(request, f64, Ix2, |job, a| numbers([job.mean(a)?])),
        "std" => on!(request, f64, Ix2, |job, a| numbers([job.std(a, 0.0)?])),
        "min" => on!(request, f64, Ix2, |job, a| numbers([job.min(a)?])),
        "stats" => on!(request, f64, Ix2, |job, a| {
            let stats = job.stats(a)?;
            numbers([stats.sum, stats.mean, stats.std, stats.min.unwrap_or(f64::NAN), stats.max.unwrap_or(f64::NAN)])
        }),
        "sum 0" => on!(request, f64, Ix2, |job, a| array(job.sum_axis(a, Axis(0))?)),
        "sum 1" => on!(request, f64, Ix2, |job, a| array(job.sum_axis(a, Axis(1))?)),
        "mean 0" => on!(request, f64, Ix2, |job, a| array(job.mean_axis(a, Axis(0))?)),
        "mean 1" => on!(request, f64, Ix2, |job, a| array(job.mean_axis(a, Axis(1))?)),
        "var 0" => on!(request, f64, Ix2, |job, a| array(job.var_axis(a, Axis(0), 0.0)?)),
        "var 1" => on!(request, f64, Ix2, |job, a| array(job.var_axis(a, Axis(1), 0.0)?)),
        "min 0" => on!(request, f64, Ix2, |job, a| array(job.min_axis(a, Axis(0))?)),
        "skew" => on!(request, f64, Ix2, |job, a| numbers([job.skew(a, true)?])),
        "kurtosis" => on!(request, f64, Ix2, |job, a| numbers([job.kurtosis(a, true, true)?])),
        "prod" => on!(request, f64, Ix2, |job, a| numbers([job.prod(a)?])),
        "all" => on!(request, f64, Ix2, |job, a| numbers([f64::from(u8::from(job.all(a)?))])),
        "count_nonzero" => on!(request, f64, Ix2, |job, a| numbers([job.count_nonzero(a)? as f64])),
        "ptp" => on!(request, f64, Ix2, |job, a| numbers([job.ptp(a)?])),
        "norm" => on!(request, f64, Ix2, |job, a| numbers([job.norm(a, 2.0)?])),
        "average" => {
            let weights = request.mapped::<f64, Ix2>("b")?;
            on!(request, f64, Ix2, |job, a| numbers([job.average(a, &weights)?]))
        }
        "cumsum" => {
            let mut out = request.out::<f64, Ix2>()?;
            on!(request, f64, Ix2, |job, a| {
                job.cumsum(a).write_to(&mut out)?;
                written()
            })
        }
        "cumsum 0" => {
            let mut out = request.out::<f64, Ix2>()?;
            on!(request, f64, Ix2, |job, a| {
                job.cumsum_axis(a, Axis(0)).write_to(&mut out)?;
                written()
            })
        }
        "rolling mean" => {
            let mut out = request.out::<f64, Ix2>()?;
            on!(request, f64, Ix2, |job, a| {
                job.rolling(a, Axis(0), 32).mean().write_to(&mut out)?;
                written()
            })
        }
        "rolling max" => {
            let mut out = request.out::<f64, Ix2>()?;
            on!(request, f64, Ix2, |job, a| {
                job.rolling(a, Axis(1), 32).max().write_to(&mut out)?;
                written()
            })
        }
        "mean var 0" => {
            on!(request, f64, Ix2, |job, a| both(job.mean_axis(a, Axis(0))?, job.var_axis(a, Axis(0), 0.0)?))
        }
        "mean var 1" => {
            on!(request, f64, Ix2, |job, a| both(job.mean_axis(a, Axis(1))?, job.var_axis(a, Axis(1), 0.0)?))
        }
        _ => return Ok(None),
    }))
}

/// Two results, put together when the clock has stopped.
fn both(first: Array1<f64>, second: Array1<f64>) -> Fallible<Answer> {
    later(move || Ok(ndarray::stack![Axis(0), first, second]))
}
