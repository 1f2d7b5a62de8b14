// Some web views never say that they can't read a sound or a film.

/**
 * How long a player may take to read the beginning of a file that is on this computer, in
 * milliseconds: before its first one GStreamer looks through all that it can play.
 */
const READS_WITHIN_MS = 20_000;

/** Calls `unread` where the player has found nothing in the file by then; answers how to stop waiting. */
export function patience(media: HTMLMediaElement, unread: () => void): () => void {
  const timer = setTimeout(() => {
    if (media.readyState === HTMLMediaElement.HAVE_NOTHING) unread();
  }, READS_WITHIN_MS);
  return () => clearTimeout(timer);
}
