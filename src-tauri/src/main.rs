fn main() { landline_desktop::run() }
