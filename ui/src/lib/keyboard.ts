// What a key press is, beyond its name.

type Press = Pick<
  KeyboardEvent,
  "isComposing" | "keyCode" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey"
>;

/** The key code of what an input method has taken. */
const PROCESS_KEY = 229;

/**
 * Whether the press belongs to an input method, as Enter does where it confirms Japanese. WebKit
 * tells of that Enter after the composing has ended: only its code is left to tell by.
 */
export function composing(event: Pick<Press, "isComposing" | "keyCode">): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing else tells it there
  return event.isComposing || event.keyCode === PROCESS_KEY;
}

/** Whether the key was pressed alone. With Alt, Ctrl, ⌘ or Shift it is another one's. */
export function alone({ altKey, ctrlKey, metaKey, shiftKey }: Press): boolean {
  return !(altKey || ctrlKey || metaKey || shiftKey);
}
