// Tells when an element has come into view, once.

import type { Attachment } from "svelte/attachments";

/** How long it must stay there, in milliseconds: what flies past is nobody's wish. */
const STAYS_MS = 150;

export function inView(come: () => void): Attachment<HTMLElement> {
  return (element) => {
    let stays: ReturnType<typeof setTimeout> | undefined;
    const watch = new IntersectionObserver((entries) => {
      clearTimeout(stays);
      if (entries.at(-1)?.isIntersecting !== true) return;
      stays = setTimeout(() => {
        watch.disconnect();
        come();
      }, STAYS_MS);
    });
    watch.observe(element);
    return () => {
      clearTimeout(stays);
      watch.disconnect();
    };
  };
}
