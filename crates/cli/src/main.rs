//! Landline without a window.
fn main() {}
