//! Segments: merged, never overlapping, and the holes between them.

use std::collections::BTreeSet;

use landline_store::segments::{self, Segment};
use proptest::prelude::*;

use crate::support::{Tables, room, tables};

fn segment(from: u64, to: u64) -> Segment {
    Segment { from, to }
}

fn with(parts: &[(u64, u64)]) -> Tables {
    let c = tables();
    for (from, to) in parts {
        segments::insert(&c, room(0), segment(*from, *to)).unwrap();
    }
    c
}

#[test]
fn parts_that_touch_are_one() {
    let c = with(&[(10, 20), (30, 40), (21, 25)]);
    assert_eq!(
        segments::all(&c, room(0)).unwrap(),
        [segment(10, 25), segment(30, 40)]
    );
    let whole = segments::insert(&c, room(0), segment(26, 29)).unwrap();
    assert_eq!(whole, segment(10, 40));
    assert_eq!(segments::all(&c, room(0)).unwrap(), [segment(10, 40)]);
    assert_eq!(segments::all(&c, room(1)).unwrap(), []);
}

#[test]
fn holes_are_what_is_missing_below_the_newest() {
    let c = with(&[(10, 20), (30, 40), (50, 50)]);
    let holes = segments::holes(&c, room(0), 1).unwrap();
    assert_eq!(holes, [segment(1, 9), segment(21, 29), segment(41, 49)]);
    assert_eq!(
        segments::lowest_hole(&c, room(0), 1).unwrap(),
        Some(segment(1, 9))
    );
    assert_eq!(
        segments::highest_hole(&c, room(0), 1).unwrap(),
        Some(segment(41, 49))
    );
    // The node holds nothing before 12.
    assert_eq!(
        segments::lowest_hole(&c, room(0), 12).unwrap(),
        Some(segment(21, 29))
    );
    assert_eq!(
        segments::holes(&c, room(0), 25).unwrap(),
        [segment(25, 29), segment(41, 49)]
    );
    assert_eq!(segments::holes(&c, room(1), 1).unwrap(), []);
}

#[test]
fn a_seq_is_within_one_part_or_none() {
    let c = with(&[(10, 20), (30, 40)]);
    assert_eq!(
        segments::at(&c, room(0), 15).unwrap(),
        Some(segment(10, 20))
    );
    for (seq, here) in [
        (9, false),
        (10, true),
        (20, true),
        (21, false),
        (30, true),
        (41, false),
    ] {
        assert_eq!(segments::contains(&c, room(0), seq).unwrap(), here, "{seq}");
    }
    assert_eq!(
        segments::newest(&c, room(0)).unwrap(),
        Some(segment(30, 40))
    );
    assert_eq!(segments::newest(&c, room(1)).unwrap(), None);
}

#[test]
fn a_fork_cuts_segments() {
    let c = with(&[(10, 20), (30, 40), (50, 60)]);
    segments::cut(&c, room(0), 35).unwrap();
    assert_eq!(
        segments::all(&c, room(0)).unwrap(),
        [segment(10, 20), segment(30, 35)]
    );
    segments::cut(&c, room(0), 5).unwrap();
    assert_eq!(segments::all(&c, room(0)).unwrap(), []);
}

proptest! {
    #[test]
    fn segments_are_the_set_of_what_was_put_in(parts in prop::collection::vec((1u64..60, 0u64..12), 1..20)) {
        let c = tables();
        let mut set = BTreeSet::new();
        for (from, length) in parts {
            set.extend(from..=from + length);
            let whole = segments::insert(&c, room(0), segment(from, from + length)).unwrap();
            prop_assert!(whole.from <= from && whole.to >= from + length);
        }
        let all = segments::all(&c, room(0)).unwrap();
        let inside: BTreeSet<u64> = all.iter().flat_map(|s| s.from..=s.to).collect();
        prop_assert_eq!(&inside, &set);
        prop_assert!(all.windows(2).all(|pair| pair[0].to + 1 < pair[1].from), "they touch");
        let top = *set.last().unwrap();
        let missing: BTreeSet<u64> = (1..=top).filter(|seq| !set.contains(seq)).collect();
        let holes = segments::holes(&c, room(0), 1).unwrap();
        prop_assert_eq!(holes.iter().flat_map(|s| s.from..=s.to).collect::<BTreeSet<_>>(), missing);
    }
}
