//! The same file from Rust and from Python: `cargo run --release --example numpy_interop`.
//!
//! Writes a `.npy` and a raw file, prints the lines that open them in Python, and reads back a file as `np.save` writes it. Where
//! python3 has NumPy, it runs those lines too.

use std::process::Command;

use ndarray::{Array2, Ix2};
use outcore::{ArrayFile, CreateOptions, Format, Order, RawLayout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (npy, raw) = (folder.path().join("a.npy"), folder.path().join("a.dat"));
    let array = Array2::from_shape_fn((3, 4), |(i, j)| (i * 10 + j) as f32);

    outcore::save(&npy, &array)?;
    let mut file = CreateOptions::new().format(Format::Raw).offset(16).order(Order::F).create_file(&raw, (3, 4))?;
    file.write(&array)?;
    file.close()?;

    let python = format!(
        "import numpy as np\n\
         a = np.load({npy:?}, mmap_mode='r+')\n\
         b = np.memmap({raw:?}, dtype='<f4', mode='r', offset=16, shape=(3, 4), order='F')\n\
         assert (a == b).all()\n\
         a[2, 3] = 99.5\n\
         a.flush()\n\
         print('NumPy', np.__version__, 'read both files and wrote a[2, 3]')\n"
    );
    println!("{python}");
    let ran = Command::new("python3").arg("-c").arg(&python).status().is_ok_and(|status| status.success());
    if !ran {
        println!("python3 with NumPy is not installed here; the files are as it would find them");
    }

    let back = ArrayFile::<f32, Ix2>::open(&npy)?.read()?;
    println!("{} holds\n{back}", npy.display());
    let layout = RawLayout::new().offset(16).shape([3, 4]).order(Order::F);
    println!("{} holds\n{}", raw.display(), ArrayFile::<f32, Ix2>::open_raw(&raw, layout)?.read()?);
    Ok(())
}
