//! The curves as a small picture that reads in light and dark.

use std::fmt::Write as _;

use super::samples::Curve;

const WIDTH: f64 = 720.0;
/// From the top of one curve to that of the next, and of the curve itself.
const STEP: f64 = 84.0;
const HEIGHT: f64 = 48.0;
const LEFT: f64 = 8.0;
/// Points of a curve; each is the mean of what falls on it.
const POINTS: usize = 180;

pub(super) fn svg(curves: &[Curve], messages: usize) -> String {
    let height = STEP * curves.len() as f64 + 24.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <style>text{{fill:#1e1c1a}}.q{{fill:#6b655e}}path{{fill:none;stroke:#a5482c;stroke-width:1.5}}\
         line{{stroke:#c9c1b6}}@media(prefers-color-scheme:dark){{text{{fill:#f1ece4}}.q{{fill:#a19a90}}\
         path{{stroke:#e0845f}}line{{stroke:#4a4642}}}}</style>\n"
    );
    for (number, curve) in curves.iter().enumerate() {
        draw(&mut out, curve, STEP * number as f64 + 20.0);
    }
    let foot = height - 6.0;
    let right = WIDTH - LEFT;
    let _ = writeln!(
        out,
        "<text class=\"q\" x=\"{LEFT}\" y=\"{foot}\">0</text>\
         <text class=\"q\" x=\"{right}\" y=\"{foot}\" text-anchor=\"end\">{messages} messages</text>\n</svg>"
    );
    out
}

fn draw(out: &mut String, curve: &Curve, top: f64) {
    let points = gathered(&curve.points);
    let highest = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    // From nothing: what is flat must look flat, not be stretched to the height of the picture.
    let ceiling = if highest > 0.0 { highest * 1.1 } else { 1.0 };
    let floor = top + 8.0 + HEIGHT;
    let mut path = String::new();
    for (at, value) in &points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let x = LEFT + at * (WIDTH - 2.0 * LEFT);
        let _ = write!(
            path,
            "{command}{x:.1} {:.1}",
            floor - value / ceiling * HEIGHT
        );
    }
    let (name, unit, right) = (curve.name, curve.unit, WIDTH - LEFT);
    let middle = top + 8.0;
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{top}\">{name}</text>\
         <text class=\"q\" x=\"{right}\" y=\"{top}\" text-anchor=\"end\">at most {highest:.1} {unit}</text>\n\
         <line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{floor}\" y2=\"{floor}\"/>\
         <line x1=\"{}\" x2=\"{}\" y1=\"{middle}\" y2=\"{floor}\" stroke-dasharray=\"2 4\"/>\n\
         <path fill=\"none\" d=\"{path}\"/>",
        WIDTH / 2.0,
        WIDTH / 2.0,
    );
}

fn gathered(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points
        .chunks(points.len().div_ceil(POINTS).max(1))
        .map(|some| {
            let count = some.len() as f64;
            let sum = some
                .iter()
                .fold((0.0, 0.0), |sum, (at, value)| (sum.0 + at, sum.1 + value));
            (sum.0 / count, sum.1 / count)
        })
        .collect()
}
