//! Sizes in words.

/// Each a thousand of the one before, as the window and most systems count.
const UNITS: [&str; 3] = ["kB", "MB", "GB"];

/// So many bytes as people say them: `88 MB`, `1.4 GB`. Cut, not rounded, so that a limit is never
/// told larger than it is.
pub fn size(bytes: u64) -> String {
    let (mut whole, mut tenths, mut unit) = (bytes, 0, "bytes");
    for larger in UNITS {
        if whole < 1000 {
            break;
        }
        (whole, tenths, unit) = (whole / 1000, whole % 1000 / 100, larger);
    }
    match (whole, tenths) {
        _ if bytes == 1 => "1 byte".to_owned(),
        (0..10, 1..) => format!("{whole}.{tenths} {unit}"),
        _ => format!("{whole} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{MAX_FILE_BYTES, MEMBER_FILE_BYTES, TEXT_BYTES};

    #[test]
    fn a_size_is_told_in_words_that_people_say() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (2, "2 bytes"),
            (999, "999 bytes"),
            (1000, "1 kB"),
            (1400, "1.4 kB"),
            (TEXT_BYTES as u64, "16 kB"),
            (999_999, "999 kB"),
            (88_000_000, "88 MB"),
            (100 * 1024 * 1024, "104 MB"),
            (MAX_FILE_BYTES, "2.1 GB"),
            (MEMBER_FILE_BYTES, "10 GB"),
            (u64::MAX, "18446744073 GB"),
        ] {
            assert_eq!(size(bytes), words);
        }
    }
}
