//! What the proxy recognises in the traffic: an `append` on its way up, the answer to one on its
//! way down. So a test can strike at a chosen point around the node's commit.

/// A point around the commit of an `append`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The last bytes of an `append` were handed to the node's side.
    AppendWritten,
    /// The first bytes of an answer have come from the node; the client has none of them.
    AnswerSeen,
    /// The client's side was handed them.
    AnswerPassed,
}

/// Something that happens once, when the traffic comes to its point.
pub(super) struct Trap {
    pub(super) point: Point,
    /// The bytes that have sprung it are lost, and the connection with them.
    pub(super) lose: bool,
    pub(super) spring: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trap({:?})", self.point)
    }
}

/// Bytes of a frame that are looked at.
const LOOKED_AT: usize = 48;

/// Reads a client's side of a WebSocket far enough to know where an `append` ends.
#[derive(Debug)]
pub(super) enum Frames {
    /// The HTTP request before the frames; how much of its end was seen.
    Greeting {
        end: usize,
    },
    Header(Vec<u8>),
    Payload {
        left: u64,
        at: usize,
        mask: [u8; 4],
        beginning: Vec<u8>,
    },
}

impl Default for Frames {
    fn default() -> Self {
        Self::Greeting { end: 0 }
    }
}

impl Frames {
    /// Takes more bytes; whether an `append` ended in them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        let ended = bytes.iter().filter(|byte| self.take_one(**byte));
        ended.count() > 0
    }

    fn take_one(&mut self, byte: u8) -> bool {
        match self {
            Self::Greeting { end } => {
                let expected = b"\r\n\r\n"[*end];
                *end = match (byte == expected, byte) {
                    (true, _) => *end + 1,
                    (false, b'\r') => 1,
                    (false, _) => 0,
                };
                if *end == 4 {
                    *self = Self::Header(Vec::new());
                }
                false
            }
            Self::Header(header) => {
                header.push(byte);
                if let Some((left, mask)) = whole(header) {
                    *self = Self::Payload {
                        left,
                        at: 0,
                        mask,
                        beginning: Vec::new(),
                    };
                    return self.end_of_frame();
                }
                false
            }
            Self::Payload {
                left,
                at,
                mask,
                beginning,
            } => {
                if *at < LOOKED_AT {
                    beginning.push(byte ^ mask[*at % 4]);
                }
                *at += 1;
                *left -= 1;
                self.end_of_frame()
            }
        }
    }

    fn end_of_frame(&mut self) -> bool {
        let Self::Payload {
            left: 0, beginning, ..
        } = self
        else {
            return false;
        };
        let append = contains(beginning, b"[\"append\"");
        *self = Self::Header(Vec::new());
        append
    }
}

/// Length and mask, once the header is whole.
fn whole(header: &[u8]) -> Option<(u64, [u8; 4])> {
    let second = *header.get(1)?;
    let more = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let length = match more {
        0 => u64::from(second & 0x7f),
        _ => header
            .get(2..2 + more)?
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    if second & 0x80 == 0 {
        return Some((length, [0; 4]));
    }
    let mask = header.get(2 + more..6 + more)?;
    Some((length, mask.try_into().ok()?))
}

/// Whether an answer to an `append` begins in bytes from the node.
pub(super) fn is_answer(bytes: &[u8]) -> bool {
    contains(bytes, b"\"results\":[")
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Vec<u8> {
        let mask = [3, 1, 4, 1];
        let mut frame = match text.len() {
            length @ 0..126 => vec![0x81, 0x80 | length as u8],
            length => [&[0x81, 0xfe][..], &(length as u16).to_be_bytes()].concat(),
        };
        frame.extend(mask);
        frame.extend(
            text.bytes()
                .zip(mask.into_iter().cycle())
                .map(|(a, b)| a ^ b),
        );
        frame
    }

    #[test]
    fn an_append_is_seen_at_its_last_byte_however_the_bytes_are_cut() {
        let append = format!("42[\"append\",{}]", "x".repeat(300));
        let mut bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
        bytes.extend(frame("40"));
        bytes.extend(frame("42[\"fetch\",{\"text\":\"append\"}]"));
        bytes.extend(frame(&append));
        for piece in [1, 7, 1000] {
            let mut frames = Frames::default();
            let ends: Vec<bool> = bytes
                .chunks(piece)
                .map(|piece| frames.take(piece))
                .collect();
            let (last, before) = ends.split_last().unwrap();
            assert!(*last && !before.contains(&true), "{piece}: {ends:?}");
        }
    }
}
