// A few bytes of a message as the blurred picture that stands for one which is not here yet.

import { thumbHashToRGBA } from "thumbhash";
import type { Attachment } from "svelte/attachments";

/** Characters of base64: no thumbhash is longer. */
const CHARS_MAX = 100;

export interface Blur {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Null where it is none: it comes from anybody. */
export function blurOf(preview: string | undefined): Blur | null {
  if (preview === undefined || preview === "" || preview.length > CHARS_MAX) return null;
  try {
    const bytes = Uint8Array.from(atob(preview), (char) => char.charCodeAt(0));
    const { w, h, rgba } = thumbHashToRGBA(bytes);
    if (w < 1 || h < 1 || rgba.length !== w * h * 4) return null;
    return { width: w, height: h, rgba: new Uint8ClampedArray(rgba) };
  } catch {
    return null;
  }
}

/** Draws it; the style sheet stretches the canvas. */
export function blurred(blur: Blur): Attachment<HTMLCanvasElement> {
  return (canvas) => {
    canvas.width = blur.width;
    canvas.height = blur.height;
    const { rgba, width, height } = blur;
    canvas.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
  };
}
