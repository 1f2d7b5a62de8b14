// Styles that are figures: sizes of pictures, how far a file has come. Set on the element itself,
// since the security policy allows no style attributes; all else is in the style sheets.

import type { Attachment } from "svelte/attachments";

export function styled(styles: Readonly<Record<string, string | null>>): Attachment<HTMLElement> {
  return (element) => {
    for (const [name, value] of Object.entries(styles)) element.style.setProperty(name, value);
  };
}
