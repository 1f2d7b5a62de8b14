use std::collections::BTreeMap;

use landline_protocol::EventId;
use proptest::prelude::*;

use super::*;

fn id(n: u128) -> EventId {
    EventId::from_bytes(n.to_be_bytes())
}

/// A node's log: `log[0]` has seq 1.
#[derive(Debug, Default)]
struct Node {
    log: Vec<EventId>,
    made: u128,
}

impl Node {
    fn append(&mut self, count: u64) {
        for _ in 0..count {
            self.made += 1;
            self.log.push(id(self.made));
        }
    }

    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    fn state(&self) -> NodeLog {
        NodeLog {
            first: 1,
            head: self.head(),
            head_id: self.log.last().copied(),
        }
    }

    fn range(&self, from: u64, to: u64) -> Vec<(u64, EventId)> {
        (from.max(1)..=to.min(self.head()))
            .map(|seq| (seq, self.log[seq as usize - 1]))
            .collect()
    }

    /// An answer to `fetch`, cut short at `most` events as a node does where a packet grows large.
    fn fetch(&self, step: Step, most: u64) -> Vec<(u64, EventId)> {
        match step {
            Step::Probe { seq } => self.range(seq, seq),
            Step::After { seq, limit } => self.range(seq + 1, seq + limit.min(most)),
            Step::Newest { limit } => self.range(
                (self.head() + 1).saturating_sub(limit.min(most)),
                self.head(),
            ),
            Step::Before { seq, limit } => self.range(seq.saturating_sub(limit.min(most)), seq - 1),
            Step::Back { .. } => panic!("not a fetch"),
        }
    }
}

/// A client's replica, and its `Sync`.
struct Replica {
    events: BTreeMap<u64, EventId>,
    sync: Sync,
}

impl Replica {
    fn new() -> Self {
        Self {
            events: BTreeMap::new(),
            sync: Sync::new(Vec::new(), None),
        }
    }

    /// As after a start: only what is on disk is known.
    fn restart(&mut self) {
        self.sync = Sync::new(
            self.sync.spans.clone(),
            self.events.values().last().copied(),
        );
    }

    fn store(&mut self, events: &[(u64, EventId)]) {
        for (seq, id) in events {
            let before = self.events.insert(*seq, *id);
            assert!(
                before.is_none_or(|before| before == *id),
                "seq {seq} was overwritten"
            );
        }
        let (from, _) = events[0];
        let (to, last) = events[events.len() - 1];
        self.sync.took(from, to, last);
    }

    /// A push arrives: taken where it joins on, else noted.
    fn push(&mut self, events: &[(u64, EventId)]) {
        let head = self.sync.head();
        let new: Vec<_> = events
            .iter()
            .copied()
            .filter(|(seq, _)| *seq > head)
            .collect();
        let Some((first, _)) = new.first() else {
            return;
        };
        if self.sync.is_checked() && *first == head + 1 {
            self.store(&new);
        } else {
            self.sync.raised(new[new.len() - 1].0);
        }
    }

    /// One step against the node; false where there is nothing to do.
    fn step(&mut self, node: &Node, most: u64) -> bool {
        let Some((_, step)) = self.sync.next() else {
            return false;
        };
        self.sync.begun(step);
        match step {
            Step::Back { to } => {
                self.events.retain(|seq, _| *seq <= to);
                self.sync
                    .stepped_back(to, self.events.values().last().copied());
            }
            Step::Probe { seq } => {
                let theirs = node.fetch(step, most);
                let same = theirs
                    .first()
                    .is_some_and(|(_, id)| self.events.get(&seq) == Some(id));
                self.sync.probed(seq, same);
            }
            Step::After { .. } | Step::Newest { .. } | Step::Before { .. } => {
                let events = node.fetch(step, most);
                let seqs: Vec<u64> = events.iter().map(|(seq, _)| *seq).collect();
                self.sync
                    .fits(step, &seqs, node.state())
                    .expect("an honest answer fits");
                self.store(&events);
                self.sync.finished(node.state());
            }
        }
        true
    }

    fn settle(&mut self, node: &Node, most: u64) {
        let mut steps = 0;
        while self.step(node, most) {
            steps += 1;
            assert!(steps < 5_000, "never done: {:?}", self.sync);
        }
    }

    fn assert_is(&self, node: &Node) {
        let ours: Vec<EventId> = self.events.values().copied().collect();
        assert_eq!(ours, node.log);
        assert!(self.events.keys().copied().eq(1..=node.head()));
        assert_eq!(self.sync.missing(), 0);
        assert!(self.sync.is_live() || node.head() == 0);
    }
}

#[test]
fn a_small_gap_is_fetched_before_anything_newer() {
    let mut node = Node::default();
    node.append(10);
    let mut replica = Replica::new();
    replica.sync.told(node.state());
    replica.settle(&node, 500);
    node.append(500);
    replica.push(&node.range(510, 510));
    assert_eq!(
        replica.sync.next(),
        Some((
            Urgency::New,
            Step::After {
                seq: 10,
                limit: 500
            }
        ))
    );
}

#[test]
fn a_large_gap_starts_with_the_newest_and_is_filled_in_newest_first() {
    let mut node = Node::default();
    node.append(1_300);
    let mut replica = Replica::new();
    replica.sync.told(node.state());
    assert_eq!(
        replica.sync.next(),
        Some((Urgency::New, Step::Newest { limit: 200 }))
    );
    replica.step(&node, 500);
    assert_eq!(
        replica.sync.next(),
        Some((
            Urgency::Old,
            Step::Before {
                seq: 1_101,
                limit: 500
            }
        ))
    );
    replica.step(&node, 500);
    assert_eq!(
        replica.sync.next(),
        Some((
            Urgency::Old,
            Step::Before {
                seq: 601,
                limit: 500
            }
        ))
    );
    assert_eq!(replica.sync.missing(), 600);
    replica.settle(&node, 500);
    replica.assert_is(&node);
}

#[test]
fn a_hole_that_somebody_looks_at_is_filled_first() {
    let mut node = Node::default();
    node.append(3_000);
    let spans = vec![
        Span {
            from: 1_000,
            to: 1_100,
        },
        Span {
            from: 2_900,
            to: 3_000,
        },
    ];
    let mut sync = Sync::new(spans, node.log.last().copied());
    sync.told(node.state());
    assert_eq!(
        sync.next(),
        Some((
            Urgency::Old,
            Step::Before {
                seq: 2_900,
                limit: 500
            }
        ))
    );
    sync.want_before(1_050);
    assert_eq!(
        sync.next(),
        Some((
            Urgency::Wanted,
            Step::Before {
                seq: 1_000,
                limit: 500
            }
        ))
    );
}

#[test]
fn the_directory_is_followed_from_its_first_event() {
    let mut node = Node::default();
    node.append(2_000);
    let mut sync = Sync::from_the_start(Vec::new(), None);
    sync.told(node.state());
    assert_eq!(
        sync.next(),
        Some((Urgency::New, Step::After { seq: 0, limit: 500 }))
    );
}

#[test]
fn equal_heads_need_no_fetch_and_an_unknown_head_id_needs_one() {
    let mut node = Node::default();
    node.append(3);
    let mut sync = Sync::new(vec![Span { from: 1, to: 3 }], node.log.last().copied());
    sync.told(node.state());
    assert_eq!(sync.next(), None);
    sync.told(NodeLog {
        head_id: None,
        ..node.state()
    });
    assert_eq!(sync.next(), Some((Urgency::Check, Step::Probe { seq: 3 })));
    sync.begun(Step::Probe { seq: 3 });
    sync.probed(3, true);
    assert!(sync.is_live());
}

#[test]
fn a_restored_node_is_followed_from_the_last_common_event() {
    let mut node = Node::default();
    node.append(60_000);
    let mut replica = Replica::new();
    replica.sync.told(node.state());
    replica.settle(&node, 500);
    // Restored from a copy 30 events old, and has gone on beyond our head since.
    node.log.truncate(59_970);
    node.append(100);
    replica.restart();
    replica.sync.told(node.state());
    let mut probes = 0;
    while let Some((_, Step::Probe { .. })) = replica.sync.next() {
        replica.step(&node, 500);
        probes += 1;
    }
    assert!(probes <= 18, "{probes} probes");
    assert_eq!(
        replica.sync.next(),
        Some((Urgency::Check, Step::Back { to: 59_970 }))
    );
    replica.settle(&node, 500);
    replica.assert_is(&node);
}

#[test]
fn a_log_that_was_made_anew_is_set_aside_whole() {
    let mut node = Node::default();
    node.append(5);
    let mut replica = Replica::new();
    replica.sync.told(node.state());
    replica.settle(&node, 500);
    node.log.clear();
    node.append(1);
    replica.sync.told(node.state());
    replica.settle(&node, 500);
    replica.assert_is(&node);
}

#[test]
fn answers_about_other_events_do_not_fit() {
    let mut node = Node::default();
    node.append(10);
    let sync = Sync::new(Vec::new(), None);
    let after = Step::After { seq: 2, limit: 5 };
    assert!(sync.fits(after, &[3, 4], node.state()).is_ok());
    for seqs in [&[][..], &[4, 5], &[3, 5], &[2, 3], &[3, 3]] {
        assert!(sync.fits(after, seqs, node.state()).is_err(), "{seqs:?}");
    }
    assert!(
        sync.fits(Step::Before { seq: 5, limit: 3 }, &[2, 3], node.state())
            .is_err()
    );
    assert!(
        sync.fits(Step::Newest { limit: 3 }, &[7, 8], node.state())
            .is_err()
    );
}

#[derive(Debug, Clone)]
enum Happening {
    /// The node has so many new events; the push of them arrives, or is lost.
    Append {
        count: u64,
        pushed: bool,
    },
    Step,
    Lost,
    Linked,
    Restart,
    /// The node is restored from a copy this many events old.
    Restored {
        back: u64,
    },
    Wanted {
        seq: u64,
    },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1..700u64, any::<bool>()).prop_map(|(count, pushed)| Happening::Append { count, pushed }),
        4 => (1..4u64, any::<bool>()).prop_map(|(count, pushed)| Happening::Append { count, pushed }),
        8 => Just(Happening::Step),
        1 => Just(Happening::Lost),
        3 => Just(Happening::Linked),
        1 => Just(Happening::Restart),
        1 => (1..600u64).prop_map(|back| Happening::Restored { back }),
        1 => (1..3_000u64).prop_map(|seq| Happening::Wanted { seq }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_the_end_is_the_nodes_log(
        happenings in prop::collection::vec(happening(), 0..60),
        most in 1..500u64,
    ) {
        let mut node = Node::default();
        let mut replica = Replica::new();
        let mut linked = false;
        for happening in happenings {
            match happening {
                Happening::Append { count, pushed } => {
                    let head = node.head();
                    node.append(count);
                    if linked && pushed {
                        replica.push(&node.range(head + 1, node.head()));
                    }
                }
                Happening::Step if linked => {
                    replica.step(&node, most.max(50));
                }
                Happening::Linked => {
                    linked = true;
                    replica.sync.lost();
                    replica.sync.told(node.state());
                }
                Happening::Restart => {
                    linked = false;
                    replica.restart();
                }
                Happening::Restored { back } => {
                    // A node that is restored has ended its links before.
                    linked = false;
                    replica.sync.lost();
                    let keep = node.head().saturating_sub(back);
                    node.log.truncate(keep as usize);
                }
                Happening::Wanted { seq } => replica.sync.want_before(seq),
                Happening::Lost | Happening::Step => {
                    linked = false;
                    replica.sync.lost();
                }
            }
        }
        replica.sync.lost();
        replica.sync.told(node.state());
        replica.settle(&node, most.max(20));
        replica.assert_is(&node);
    }
}
