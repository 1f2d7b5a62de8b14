//! Files to be sent: a picture, a sound, and plain bytes.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

pub(crate) const WIDTH: u32 = 900;
pub(crate) const HEIGHT: u32 = 600;

/// Writes it there, and answers where.
pub(crate) fn kept(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A picture of dusk, as PNG.
pub(crate) fn picture() -> Vec<u8> {
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    for y in 0..HEIGHT {
        rows.write_all(&[0]).unwrap();
        for x in 0..WIDTH {
            let far = u8::try_from(y * 255 / HEIGHT).unwrap();
            let ground = y * 10 > HEIGHT * 7 - x % 180;
            let pixel = if ground {
                [40, 44, 60]
            } else {
                [120 + far / 2, 90 + far / 3, 160 - far / 3]
            };
            rows.write_all(&pixel).unwrap();
        }
    }
    let mut head = Vec::new();
    head.extend(WIDTH.to_be_bytes());
    head.extend(HEIGHT.to_be_bytes());
    head.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", head),
        (b"IDAT", rows.finish().unwrap()),
        (b"IEND", Vec::new()),
    ] {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(&data);
        png.extend(kind);
        png.extend(data);
        png.extend(crc.sum().to_be_bytes());
    }
    png
}

/// Three seconds of silence that count as a sound, as WAV.
pub(crate) fn sound() -> Vec<u8> {
    const RATE: u32 = 8_000;
    let samples = RATE * 3;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + samples).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    for word in [1_u16, 1] {
        wav.extend(word.to_le_bytes());
    }
    wav.extend(RATE.to_le_bytes());
    wav.extend(RATE.to_le_bytes());
    for word in [1_u16, 8] {
        wav.extend(word.to_le_bytes());
    }
    wav.extend(b"data");
    wav.extend(samples.to_le_bytes());
    wav.extend(vec![128; usize::try_from(samples).unwrap()]);
    wav
}

/// Two seconds of 64 × 48 points in VP8, without sound, as WebM: what every WebKitGTK plays.
pub(crate) const FILM: &[u8] = include_bytes!("tide.webm");

/// It begins like a film and is none.
pub(crate) fn broken_film() -> Vec<u8> {
    let mut film = FILM[..64].to_vec();
    film.extend(bytes(4_000));
    film
}

/// Bytes that no two parts of which are alike.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}
