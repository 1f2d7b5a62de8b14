//! Marks: never back, but for a fork.

use landline_protocol::down::MarkChange;
use landline_store::marks;

use crate::support::{ann, ben, room, tables};

fn mark(member: landline_protocol::MemberId, delivered: u64, read: u64) -> MarkChange {
    MarkChange {
        member,
        delivered,
        read,
    }
}

#[test]
fn marks_never_go_back() {
    let c = tables();
    assert_eq!(marks::get(&c, room(0), ann()).unwrap(), mark(ann(), 0, 0));
    marks::set(&c, room(0), mark(ann(), 7, 5)).unwrap();
    marks::set(&c, room(0), mark(ann(), 6, 6)).unwrap();
    marks::set(&c, room(0), mark(ann(), 0, 0)).unwrap();
    assert_eq!(marks::get(&c, room(0), ann()).unwrap(), mark(ann(), 7, 6));
}

#[test]
fn what_is_read_has_been_delivered() {
    let c = tables();
    marks::set(&c, room(0), mark(ann(), 0, 5)).unwrap();
    assert_eq!(marks::get(&c, room(0), ann()).unwrap(), mark(ann(), 5, 5));
    marks::set(&c, room(0), mark(ann(), 0, 8)).unwrap();
    assert_eq!(marks::get(&c, room(0), ann()).unwrap(), mark(ann(), 8, 8));
}

#[test]
fn marks_are_by_room_and_member() {
    let c = tables();
    marks::set(&c, room(0), mark(ben(), 3, 2)).unwrap();
    marks::set(&c, room(0), mark(ann(), 1, 1)).unwrap();
    marks::set(&c, room(1), mark(ann(), 9, 9)).unwrap();
    assert_eq!(
        marks::of_room(&c, room(0)).unwrap(),
        [mark(ann(), 1, 1), mark(ben(), 3, 2)]
    );
    let all = marks::all(&c).unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all[2], (room(1), mark(ann(), 9, 9)));
}

#[test]
fn a_fork_cuts_marks() {
    let c = tables();
    marks::set(&c, room(0), mark(ann(), 30, 20)).unwrap();
    marks::set(&c, room(1), mark(ann(), 30, 20)).unwrap();
    marks::cut(&c, room(0), 25).unwrap();
    assert_eq!(marks::get(&c, room(0), ann()).unwrap(), mark(ann(), 25, 20));
    assert_eq!(marks::get(&c, room(1), ann()).unwrap(), mark(ann(), 30, 20));
}
