//! error: E0277

#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Padded {
    flag: u8,
    value: f64,
}

fn element<T: outcore::Element>() {}

fn main() {
    element::<Padded>();
}
