//! Element by element, from file to file and in place.

use ndarray::Ix2;
use outcore::compute::{Casting, less};

use crate::request::{Fallible, Request, Run, array, on, written};

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    /// An operation on `a`, and `b` where there is one, whose output is written to the file for the result.
    macro_rules! into {
        ($U:ty, |$job:ident, $a:ident| $output:expr) => {{
            let mut out = request.out::<$U, Ix2>()?;
            on!(request, f64, Ix2, |$job, $a| {
                $output.write_to(&mut out)?;
                written()
            })
        }};
        ($U:ty, |$job:ident, $a:ident, $b:ident| $output:expr) => {{
            let (mut out, b) = (request.out::<$U, Ix2>()?, request.mapped::<f64, Ix2>("b")?);
            on!(request, f64, Ix2, |$job, $a| {
                let $b = &b;
                $output.write_to(&mut out)?;
                written()
            })
        }};
    }
    Ok(Some(match request.op.as_str() {
        "affine" => into!(f64, |job, a| job.map(a, |x| x * 2.0 + 1.0)),
        "wave" => into!(f64, |job, a| job.map(a, |x| (x * x + 1.0).sqrt() * x.sin())),
        "zip" => into!(f64, |job, a, b| job.zip(a, b, |x, y| x * y + 1.0)?),
        "cast f32" => into!(f32, |job, a| job.cast::<f32, _>(a, Casting::Wrapping)),
        "cast i32" => into!(i32, |job, a| job.cast::<i32, _>(a, Casting::Wrapping)),
        "clip" => into!(f64, |job, a| job.clip(a, 0.0, 1.0)?),
        "less" => into!(bool, |job, a, b| job.less(a, b)?),
        "select" => into!(f64, |job, a, b| job.select(less(a, b)?, a, b)?),
        "filter" => on!(request, f64, Ix2, |job, a| array(job.filter(a, |x| x > 1.0)?.to_array()?)),
        "add in place" => {
            let (mut out, job) = (request.out::<f64, Ix2>()?, request.job());
            Box::new(move || {
                job.map_inplace(&mut out, |x| *x += 1.0)?;
                written()
            })
        }
        "fill" => {
            let (mut out, job) = (request.out::<f64, Ix2>()?, request.job());
            Box::new(move || {
                job.fill(&mut out, 1.5)?;
                written()
            })
        }
        _ => return Ok(None),
    }))
}
