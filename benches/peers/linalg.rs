//! Linear algebra.

use ndarray::{Ix1, Ix2};
use outcore::compute::{Columns, SvdOptions};

use crate::request::{Fallible, Request, Run, array, later, on, written};

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    Ok(Some(match request.op.as_str() {
        "matmul" => {
            let (mut out, b) = (request.out::<f64, Ix2>()?, request.mapped::<f64, Ix2>("b")?);
            on!(request, f64, Ix2, |job, a| {
                job.matmul(a, &b)?.write_to(&mut out)?;
                written()
            })
        }
        "matvec" => {
            let x = request.mapped::<f64, Ix1>("b")?;
            on!(request, f64, Ix2, |job, a| array(job.matvec(a, &x)?.to_array()?))
        }
        "gram" => on!(request, f64, Ix2, |job, a| array(job.gram(a, Columns::AsIs)?.to_array()?)),
        "cov" => on!(request, f64, Ix2, |job, a| array(job.cov(a, 1.0)?.to_array()?)),
        "qr" => on!(request, f64, Ix2, |job, a| {
            let (q, r) = job.qr(a)?.to_array_and_report()?;
            drop(q);
            later(move || Ok(r.mapv(f64::abs)))
        }),
        "lstsq" => {
            let b = request.mapped::<f64, Ix1>("b")?;
            on!(request, f64, Ix2, |job, a| array(job.lstsq(a, &b, None)?.coefficients))
        }
        "pca" => on!(request, f64, Ix2, |job, a| array(job.pca(a, 8, &SvdOptions::new())?.explained_variance)),
        _ => return Ok(None),
    }))
}
