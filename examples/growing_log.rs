//! A log of measurements that grows while others read it, and a correction that happens as a whole or not at all.
//!
//! ```console
//! cargo run --release --example growing_log
//! ```

use std::thread;
use std::time::Duration;

use ndarray::{Array1, Ix2, s};
use outcore::{ArrayFile, Commit, CreateOptions, Format, Job, MmapArrayMut};

const ROWS: usize = 20_000;
const COLUMNS: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("log.oca");
    let native = CreateOptions::new().format(Format::Native);
    let mut log = native.create_file::<f64, Ix2>(&path, (0, COLUMNS))?;
    log.set_attr("axes", &["time", "station"])?;
    log.set_attr("units", &"K")?;
    log.close()?;

    // One writer appends; a reader follows, here in a thread and as well in another process.
    let mut writer = ArrayFile::<f64, Ix2>::open_append(&path)?;
    writer.set_commit(Commit::AtFlush);
    let seen = thread::scope(|scope| -> outcore::Result<usize> {
        let mut reader = ArrayFile::<f64, Ix2>::open(&path)?;
        let reader = scope.spawn(move || -> outcore::Result<usize> {
            let (mut seen, mut refreshes) = (0, 0);
            while seen < ROWS {
                if !reader.refresh()? {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                }
                // Every row of the new length is there.
                for row in reader.read_rows(seen..reader.shape()[0])?.rows() {
                    assert_eq!(row[0], seen as f64);
                    seen += 1;
                }
                refreshes += 1;
            }
            Ok(refreshes)
        });
        for time in 0..ROWS {
            writer.append_row(&Array1::from_elem(COLUMNS, time as f64))?;
            if time % 1000 == 999 {
                writer.flush()?;
            }
        }
        writer.flush()?;
        reader.join().expect("the reader does not panic")
    })?;
    writer.close()?;
    println!("{ROWS} rows appended in batches of 1000; the reader saw them in {seen} steps");

    // SAFETY: this program owns the file; nobody else writes or truncates it while it is mapped.
    let mut m = unsafe { MmapArrayMut::<f64, Ix2>::open_mut(&path)? };
    let mut correction = m.transaction()?;
    correction.view_mut().slice_mut(s![.., 3]).mapv_inplace(|kelvin| kelvin + 0.5);
    correction.commit()?;
    m.close()?;
    println!("station 3 corrected in one transaction");

    let mut file = ArrayFile::<f64, Ix2>::open_mut(&path)?;
    file.seal()?;
    let checked = file.verify()?;
    println!("sealed and verified: {:?}, {} blocks", checked.state, checked.blocks);
    println!("{}: mean {}", file.attrs(), Job::new().mean(&file)?);
    Ok(())
}
