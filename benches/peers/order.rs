//! Quantiles, histograms, counts, the largest elements, places in a sorted array.

use ndarray::{Array1, Axis, Ix1, Ix2};
use outcore::compute::{Bins, Method, Side, Top};

use crate::request::{Fallible, Request, Run, array, numbers, on};

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    Ok(Some(match request.op.as_str() {
        "median" => on!(request, f64, Ix2, |job, a| numbers([job.median(a)?])),
        "quantile" => {
            on!(request, f64, Ix2, |job, a| numbers(job.quantile(a, &[0.01, 0.25, 0.75, 0.99], Method::Linear)?))
        }
        "median 0" => on!(request, f64, Ix2, |job, a| array(job.median_axis(a, Axis(0)).to_array()?)),
        "median 1" => on!(request, f64, Ix2, |job, a| array(job.median_axis(a, Axis(1)).to_array()?)),
        "histogram" => on!(request, f64, Ix2, |job, a| array(Array1::from(job.histogram(a, 100, None)?.counts))),
        "histogram range" => {
            on!(request, f64, Ix2, |job, a| array(Array1::from(job.histogram(a, 100, Some((-4.0, 6.0)))?.counts)))
        }
        "histogram2d" => {
            let y = request.mapped::<f64, Ix1>("b")?;
            on!(request, f64, Ix1, |job, x| {
                let range = Some((-4.0, 6.0));
                array(job.histogram2d(x, &y, [Bins::Count(64), Bins::Count(64)], [range, range])?.counts)
            })
        }
        "bincount" => on!(request, i64, Ix1, |job, a| array(Array1::from(job.bincount(a, 0)?))),
        "top_k" => on!(request, f64, Ix2, |job, a| numbers(job.top_k(a, 100, Top::Largest)?.values)),
        "searchsorted" => {
            let v = request.mapped::<f64, Ix1>("b")?;
            on!(request, f64, Ix1, |job, a| {
                let v = v.as_slice().ok_or("not contiguous")?;
                array(Array1::from(job.searchsorted(a, v, Side::Left)?))
            })
        }
        _ => return Ok(None),
    }))
}
