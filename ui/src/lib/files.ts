// What a file of a message is to the eye: a picture, a sound, a film or anything else; how much
// space a picture takes before it is here; what is said of it in one line.

import type { File } from "../backend/gen/File";
import type { MessageView } from "../backend/gen/MessageView";
import { t } from "../i18n/t";
import { plain } from "./markup";

export type FileKind = "image" | "audio" | "video" | "other";

/** Files of one message; the protocol's limit. */
export const FILES_MAX = 10;
/** Pictures up to this size are fetched when they come into view, in bytes. */
export const FETCHED_UNASKED = 8 * 1024 * 1024;

/**
 * What the web view may show. Whatever is not named here is a file to be saved, above all SVG and
 * HTML, which could run code of whoever sent them.
 */
const SHOWN: Readonly<Record<string, FileKind>> = {
  "image/png": "image",
  "image/jpeg": "image",
  "image/gif": "image",
  "image/webp": "image",
  "audio/mpeg": "audio",
  "audio/mp4": "audio",
  "audio/m4a": "audio",
  "audio/x-m4a": "audio",
  "audio/aac": "audio",
  "audio/ogg": "audio",
  "audio/opus": "audio",
  "audio/webm": "audio",
  "audio/flac": "audio",
  "audio/x-flac": "audio",
  "audio/wav": "audio",
  "audio/x-wav": "audio",
  "video/mp4": "video",
  "video/webm": "video",
  "video/ogg": "video",
  "video/quicktime": "video",
  "video/x-m4v": "video",
};

export function kindOf(type: string): FileKind {
  const essence = type.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return Object.hasOwn(SHOWN, essence) ? (SHOWN[essence] ?? "other") : "other";
}

/** In rem of 16 px. */
export interface Box {
  width: number;
  height: number;
}

/** The largest and smallest that a single picture takes in the timeline. */
const LARGEST: Box = { width: 24, height: 20 };
const SMALLEST: Box = { width: 5, height: 3 };
/** Where its size is not told. */
const UNTOLD: Box = { width: 16, height: 12 };
const REM_PX = 16;

/** The space of a single picture: its own shape, no larger than it is. Fixed before it is here. */
export function boxOf(file: Pick<File, "width" | "height">): Box {
  const { width, height } = file;
  if (width === undefined || height === undefined || width < 1 || height < 1) return UNTOLD;
  const scale = Math.min(1 / REM_PX, LARGEST.width / width, LARGEST.height / height);
  return {
    width: Math.max(SMALLEST.width, width * scale),
    height: Math.max(SMALLEST.height, height * scale),
  };
}

/** As styles. */
export function styleOf({ width, height }: Box): Record<string, string> {
  return { width: `${width}rem`, "aspect-ratio": `${width} / ${height}` };
}

/** How many stand beside each other where there are several. */
export function columnsOf(count: number): number {
  if (count <= 1) return 1;
  return count === 2 || count === 4 ? 2 : 3;
}

/** "Photo", "3 photos", "plan.pdf": for where there is one line and no picture. */
export function filesInWords(files: readonly Pick<File, "name" | "type">[]): string {
  const [first] = files;
  if (!first) return "";
  const kinds = new Set(files.map(({ type }) => kindOf(type)));
  const [kind] = kinds;
  if (kinds.size === 1 && kind === "image") return t("files.photos", { count: files.length });
  if (files.length > 1) return t("files.several", { count: files.length });
  if (kind === "video") return t("files.video");
  return first.name;
}

/** A message in one line, without marks: its text, else what its files are. */
export function summary(body: Pick<MessageView, "text" | "files">): string {
  const text = plain(body.text);
  return text === "" ? filesInWords(body.files) : text;
}

/** The end of a name that says what it is, for the eye: "PDF". Empty where there is none. */
export function ending(name: string): string {
  return /[^.\s]\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toUpperCase() ?? "";
}
