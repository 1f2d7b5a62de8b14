//! What kind of file it is, by its bytes: what somebody says of a file is never trusted where it is
//! shown.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

/// Shown as nothing.
pub(crate) const NO_KIND: &str = "application/octet-stream";
/// Bytes at the beginning that tell the kind.
const HEAD: u64 = 8 * 1024;
/// Pixels of a side of an image that is looked at: more is a bomb.
const SIDE: u32 = 16_384;
/// Pixels of an image that is looked at.
const PIXELS: u64 = 64 * 1024 * 1024;
/// Bytes that decoding an image may take.
const DECODING: u64 = 300 * 1024 * 1024;
/// Bytes of an image file that is looked at.
const IMAGE_BYTES: u64 = 64 * 1024 * 1024;
/// Pixels of a side that a thumbhash is made of.
const THUMB: u32 = 100;
/// What a window may show by itself. Neither HTML nor SVG: both run scripts.
const SHOWN: [&str; 19] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "audio/mpeg",
    "audio/m4a",
    "audio/x-flac",
    "audio/flac",
    "audio/ogg",
    "audio/opus",
    "audio/x-wav",
    "audio/wav",
    "audio/aac",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "video/x-m4v",
    "video/ogg",
    "text/plain",
];

/// What is seen of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Of those that may be shown, or [`NO_KIND`].
    pub(crate) shown_as: String,
    /// By its bytes, shown or not; `None` where they do not tell.
    pub(crate) kind: Option<String>,
    pub(crate) image: Option<ImageLook>,
}

/// An image, as it will be on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageLook {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// A thumbhash, base64.
    pub(crate) preview: String,
}

/// Tells what a file is. Waits for the disk, and for the decoding of an image where `decode` says
/// so.
pub(crate) fn look(path: &Path, decode: bool) -> io::Result<Look> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    file.rewind()?;
    let kind = infer::get(&head).map(|kind| kind.mime_type());
    let mut look = Look {
        shown_as: shown_as(&head, kind).to_owned(),
        kind: kind.map(str::to_owned),
        image: None,
    };
    if look.shown_as.starts_with("image/") {
        let shown = bytes <= IMAGE_BYTES && is_small_enough(&mut file)?;
        if !shown {
            look.shown_as = NO_KIND.to_owned();
        } else if decode {
            look.image = image(file);
        }
    }
    Ok(look)
}

fn shown_as(head: &[u8], kind: Option<&str>) -> &'static str {
    match kind {
        Some(kind) => SHOWN
            .iter()
            .find(|shown| **shown == kind)
            .copied()
            // A page is text to whoever looks at it.
            .unwrap_or(if kind.starts_with("text/") {
                "text/plain"
            } else {
                NO_KIND
            }),
        None if is_text(head) => "text/plain",
        None => NO_KIND,
    }
}

fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A letter that the end of the head cuts.
        Err(error) if error.error_len().is_none() => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

/// By the head of an image alone: a bomb says how large it will be.
fn is_small_enough(file: &mut File) -> io::Result<bool> {
    let reader = ImageReader::new(BufReader::new(&*file)).with_guessed_format()?;
    let size = reader.into_dimensions();
    file.rewind()?;
    Ok(size.is_ok_and(|(width, height)| {
        let pixels = u64::from(width) * u64::from(height);
        width <= SIDE && height <= SIDE && pixels <= PIXELS
    }))
}

/// `None` where it can't be decoded within the limits: then it is a file like any other.
fn image(file: File) -> Option<ImageLook> {
    let mut reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .ok()?;
    let known = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ];
    if !reader
        .format()
        .is_some_and(|format| known.contains(&format))
    {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(DECODING);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let orientation = decoder.orientation().ok()?;
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    let small = image.thumbnail(THUMB, THUMB).to_rgba8();
    let (w, h) = (small.width() as usize, small.height() as usize);
    let hash = thumbhash::rgba_to_thumb_hash(w, h, small.as_raw());
    Some(ImageLook {
        width,
        height,
        preview: STANDARD.encode(hash),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn of(bytes: &[u8]) -> Look {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        look(file.path(), true).unwrap()
    }

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture = DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([x as u8, y as u8, 90])
        }));
        let mut bytes = io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn an_image_has_its_size_and_a_preview() {
        for (format, kind) in [
            (ImageFormat::Png, "image/png"),
            (ImageFormat::Jpeg, "image/jpeg"),
            (ImageFormat::Gif, "image/gif"),
            (ImageFormat::WebP, "image/webp"),
        ] {
            let look = of(&picture(300, 200, format));
            assert_eq!(look.shown_as, kind);
            let image = look.image.unwrap();
            assert_eq!((image.width, image.height), (300, 200));
            assert!(!image.preview.is_empty() && image.preview.len() <= 64);
        }
    }

    #[test]
    fn pages_and_pictures_that_run_scripts_are_never_shown_as_such() {
        for page in [
            "<!DOCTYPE html><script>alert(1)</script>",
            "<html></html>",
            "<?xml version=\"1.0\"?><svg xmlns='http://www.w3.org/2000/svg'/>",
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        ] {
            assert_eq!(of(page.as_bytes()).shown_as, "text/plain", "{page}");
        }
        assert_eq!(of(b"\x7fELF\0\0").shown_as, NO_KIND);
        assert_eq!(of(b"").shown_as, NO_KIND);
        assert_eq!(of("Grüße\n".as_bytes()).shown_as, "text/plain");
    }

    #[test]
    fn a_bomb_is_a_file_like_any_other() {
        // A PNG of a few bytes that says it is 60,000 by 60,000.
        let mut png = picture(1, 1, ImageFormat::Png);
        png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let crc = crc(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        let look = of(&png);
        assert_eq!((look.shown_as.as_str(), look.image), (NO_KIND, None));
        // One that breaks off.
        let cut = of(&picture(300, 200, ImageFormat::Png)[..200]);
        assert_eq!(cut.image, None);
    }

    /// As PNG wants it.
    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xEDB8_8320
                } else {
                    crc >> 1
                };
            }
        }
        !crc
    }
}
