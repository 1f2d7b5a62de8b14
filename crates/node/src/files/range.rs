//! `Range: bytes=…`: one range. Of several, all is sent, which HTTP allows.

use std::ops::Range;

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Of(Range<u64>),
    /// Nothing of it is there.
    Beyond,
}

impl Part {
    pub(super) fn parse(header: Option<&str>, bytes: u64) -> Self {
        header
            .and_then(|header| header.strip_prefix("bytes="))
            .and_then(|range| range.trim().split_once('-'))
            .and_then(|(from, to)| Self::of(from.trim(), to.trim(), bytes))
            .unwrap_or(Self::Whole)
    }

    /// `None` where it is no range, which is as if it was not there.
    fn of(from: &str, to: &str, bytes: u64) -> Option<Self> {
        let range = match (number(from)?, number(to)?) {
            (None, None) => return None,
            (None, Some(last)) => bytes.saturating_sub(last)..bytes,
            (Some(from), None) => from..bytes,
            (Some(from), Some(to)) if from <= to => from..bytes.min(to.saturating_add(1)),
            (Some(_), Some(_)) => return None,
        };
        Some(if range.is_empty() {
            Self::Beyond
        } else {
            Self::Of(range)
        })
    }
}

/// `Some(None)` of an empty text; `None` of what is no number.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Too large a number is as good as the largest.
    Some(Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_given_as_it_is_asked_for() {
        for (header, part) in [
            ("bytes=0-", Part::Of(0..100)),
            ("bytes=40-59", Part::Of(40..60)),
            ("bytes=99-99", Part::Of(99..100)),
            ("bytes=90-1000", Part::Of(90..100)),
            ("bytes=90-99999999999999999999999", Part::Of(90..100)),
            ("bytes=-10", Part::Of(90..100)),
            ("bytes=-1000", Part::Of(0..100)),
            ("bytes=100-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
        ] {
            assert_eq!(Part::parse(Some(header), 100), part, "{header}");
        }
    }

    #[test]
    fn what_is_no_range_is_as_if_it_was_not_there() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=+1-",
            "lines=1-2",
            "bytes=0-1,5-6",
        ] {
            assert_eq!(Part::parse(Some(header), 100), Part::Whole, "{header}");
        }
        assert_eq!(Part::parse(None, 100), Part::Whole);
    }

    #[test]
    fn an_empty_file_has_no_part() {
        assert_eq!(Part::parse(Some("bytes=0-"), 0), Part::Beyond);
        assert_eq!(Part::parse(None, 0), Part::Whole);
    }
}
