//! What the web view may take a file for. All that is not named here is bytes to be saved.

use landline_client::LocalFile;
use mime::Mime;

/// Kinds that web views show and play without running anything. Not SVG, which holds scripts.
const SHOWN: [&str; 19] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "audio/mpeg",
    "audio/mp4",
    "audio/x-m4a",
    "audio/aac",
    "audio/ogg",
    "audio/opus",
    "audio/webm",
    "audio/flac",
    "audio/wav",
    "audio/x-wav",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
];

/// Pixels of a picture. Whoever sends a file of a few kilobytes may have put a picture into it that
/// takes gigabytes once it is drawn. This one takes 256 MB, and is more than most cameras make.
const PIXELS_MAX: usize = 64_000_000;

/// The type to serve it as; `None`: a picture that is none, or too large to be drawn.
pub(super) async fn as_what(file: &LocalFile) -> Option<Mime> {
    let shown = SHOWN.contains(&file.media_type.as_str());
    let Some(media_type) = shown
        .then(|| file.media_type.parse::<Mime>().ok())
        .flatten()
    else {
        return Some(mime::APPLICATION_OCTET_STREAM);
    };
    if media_type.type_() == mime::IMAGE {
        let path = file.path.clone();
        // Reads the first bytes only.
        let size = tokio::task::spawn_blocking(move || imagesize::size(path));
        let size = size.await.ok()?.ok()?;
        size.width
            .checked_mul(size.height)
            .filter(|pixels| *pixels <= PIXELS_MAX)?;
    }
    Some(media_type)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn local(path: &Path, media_type: &str) -> LocalFile {
        LocalFile {
            path: path.to_owned(),
            media_type: media_type.to_owned(),
            bytes: 0,
        }
    }

    /// The head of a PNG of this size, which is all that is looked at.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 2, 0, 0, 0]);
        bytes
    }

    #[tokio::test]
    async fn what_may_run_something_is_only_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        std::fs::write(&path, "<svg onload=alert(1)>").unwrap();
        for media_type in ["text/html", "image/svg+xml", "text/plain", "", "image/*"] {
            let shown = as_what(&local(&path, media_type)).await;
            assert_eq!(shown, Some(mime::APPLICATION_OCTET_STREAM), "{media_type}");
        }
    }

    #[tokio::test]
    async fn a_picture_that_would_fill_the_memory_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture");
        std::fs::write(&path, png(4_000, 3_000)).unwrap();
        assert_eq!(
            as_what(&local(&path, "image/png")).await,
            Some(mime::IMAGE_PNG)
        );
        std::fs::write(&path, png(60_000, 60_000)).unwrap();
        assert_eq!(as_what(&local(&path, "image/png")).await, None);
        std::fs::write(&path, "<html>").unwrap();
        assert_eq!(as_what(&local(&path, "image/png")).await, None);
    }
}
