//! The same elements in other places.

use ndarray::{Axis, Ix1, Ix2, IxDyn};
use outcore::Selection;
use outcore::compute::Source;

use crate::request::{Fallible, Request, Run, on, written};

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    /// An operation whose output is written to the file for the result.
    macro_rules! into {
        ($D:ty, |$job:ident, $a:ident| $output:expr) => {{
            let mut out = request.out::<f64, $D>()?;
            on!(request, f64, Ix2, |$job, $a| {
                $output.write_to(&mut out)?;
                written()
            })
        }};
    }
    Ok(Some(match request.op.as_str() {
        "transpose" => into!(Ix2, |job, a| job.transpose(a)),
        "copy" => into!(Ix2, |job, a| job.copy(a)),
        "slice" => {
            let every_other: Selection = "[::2, 1::3]".parse()?;
            into!(IxDyn, |job, a| job.slice(a, &every_other)?)
        }
        "flip" => into!(Ix2, |job, a| job.flip(a, Axis(1))?),
        "roll" => into!(Ix2, |job, a| job.roll_axis(a, 7, Axis(0))?),
        "take" => {
            let indices = request.mapped::<i64, Ix1>("b")?;
            into!(Ix2, |job, a| job.take(a, indices.as_slice().ok_or("not contiguous")?, Axis(0))?)
        }
        "concatenate" => {
            let b = request.mapped::<f64, Ix2>("b")?;
            into!(Ix2, |job, a| {
                let both: [&dyn Source<Elem = f64, Dim = Ix2>; 2] = [a, &b];
                job.concatenate(&both, Axis(0))?
            })
        }
        _ => return Ok(None),
    }))
}
