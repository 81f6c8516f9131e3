//! error: E0277

fn element<T: outcore::Element>() {}

fn main() {
    element::<String>();
}
