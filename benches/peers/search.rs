//! Looking for elements and bytes.

use std::mem::swap;

use ndarray::{Ix1, Ix2};

use crate::request::{Fallible, Request, Run, array, numbers, on, written};

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    let found = |at: Option<u64>| at.map_or(-1.0, |at| at as f64);
    Ok(Some(match request.op.as_str() {
        "count_where" => on!(request, f64, Ix2, |job, a| numbers([job.count_where(a, |x| x > 2.0)? as f64])),
        "flatnonzero" => on!(request, f64, Ix2, |job, a| array(job.flatnonzero(a, |x| x > 3.0)?.to_array()?)),
        "find_value" => on!(request, f64, Ix2, |job, a| numbers([found(job.find_value(a, 1e300)?)])),
        "is_in" => {
            let (mut out, values) = (request.out::<bool, Ix1>()?, [3_i64, 141, 592, 653, 5897, 9323, 8462, 6433]);
            on!(request, i64, Ix1, |job, a| {
                job.is_in(a, &values).write_to(&mut out)?;
                written()
            })
        }
        "find bytes" => on!(request, u8, Ix1, |job, a| numbers([found(job.bytes(a).find(b"needle=x")?)])),
        "count bytes" => on!(request, u8, Ix1, |job, a| numbers([job.bytes(a).count(b"needle=")? as f64])),
        "count regex" => {
            on!(request, u8, Ix1, |job, a| numbers([job.bytes(a).count_regex(r"needle=[0-9]{4}7")? as f64]))
        }
        // Forth and back, so that there is always something to replace.
        "replace" => {
            let (mut out, job) = (request.out::<u8, Ix1>()?, request.job());
            let (mut old, mut new) = (*b"needle=", *b"NEEDLE=");
            Box::new(move || {
                job.replace(&mut out, &old, &new)?;
                swap(&mut old, &mut new);
                written()
            })
        }
        _ => return Ok(None),
    }))
}
