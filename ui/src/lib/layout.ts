// What fits side by side in the window. Styles ask for it by `data-layout` of the page's root, never
// by the width: larger text needs a wider window, and media queries know nothing of it.

/** Up to which width, in pixels at a text size of 100 %, each of them holds. */
const UP_TO = {
  /** The drawer lies over the room instead of beside it. */
  "drawer-over": 1080,
  /** So does the sidebar, and it is out of the way until it is asked for. */
  "list-over": 820,
  /** Each of them fills the window. */
  "one-pane": 560,
  /** What is only there to look well makes room for what is read. */
  tight: 320,
} as const;

export type Narrow = keyof typeof UP_TO;
/** None: all stands side by side. */
export type Layout = readonly Narrow[];

/** `width` in pixels, `textSize` in percent. */
export function layoutFor(width: number, textSize: number): Layout {
  const needed = (width * 100) / textSize;
  return (Object.keys(UP_TO) as Narrow[]).filter((narrow) => needed <= UP_TO[narrow]);
}
