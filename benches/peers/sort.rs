//! Sorting.

use ndarray::{Array1, Axis, Ix1, Ix2};

use crate::request::{Fallible, Request, Run, later, on, written};

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    Ok(Some(match request.op.as_str() {
        "sort" => {
            let mut out = request.out::<f64, Ix1>()?;
            on!(request, f64, Ix1, |job, a| {
                job.sort(a).write_to(&mut out)?;
                written()
            })
        }
        "sort 1" => {
            let mut out = request.out::<f64, Ix2>()?;
            on!(request, f64, Ix2, |job, a| {
                job.sort_axis(a, Axis(1)).write_to(&mut out)?;
                written()
            })
        }
        "argsort" => {
            let mut out = request.out::<u64, Ix1>()?;
            on!(request, f64, Ix1, |job, a| {
                job.argsort(a).write_to(&mut out)?;
                written()
            })
        }
        "unique" => on!(request, i64, Ix1, |job, a| {
            let (values, counts) = job.unique_counts(a)?;
            later(move || {
                let counts: Array1<i64> = counts.iter().map(|&count| count.cast_signed()).collect();
                Ok(ndarray::stack![Axis(0), values, counts])
            })
        }),
        _ => return Ok(None),
    }))
}
