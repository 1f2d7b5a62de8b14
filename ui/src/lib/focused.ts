import { tick } from "svelte";
import type { Attachment } from "svelte/attachments";

/** Has the focus as soon as it is there, and the sheet around it is open. */
export const focused: Attachment<HTMLElement> = (element) => {
  void tick().then(() => element.focus());
};
