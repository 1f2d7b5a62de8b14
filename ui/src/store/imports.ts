// What is brought into a space from elsewhere: one file at a time for each space.
//
//   chosen → running → done
//              └─────→ stopped → running …

import type { ImportAbout } from "../backend/gen/ImportAbout";
import type { ImportProgress } from "../backend/gen/ImportProgress";
import type { ImportReport } from "../backend/gen/ImportReport";
import type { Refusal } from "../backend/gen/Refusal";
import type { RefusedLine } from "../backend/gen/RefusedLine";
import type { SpaceId } from "../backend/gen/SpaceId";

export interface Import {
  about: ImportAbout;
  /** All of it goes into the room of this name; null: as the file says. */
  into: string | null;
  progress: ImportProgress;
  stage: ImportStage;
}

export type ImportStage =
  | { kind: "chosen" }
  /** `stopping`: the person has said so. */
  | { kind: "running"; stopping: boolean }
  /** By the person, or for this reason. What is in stays. */
  | { kind: "stopped"; refusal: Refusal | null }
  | { kind: "done"; report: ImportReport };

export type ImportChange =
  | { kind: "chosen"; about: ImportAbout }
  | { kind: "started"; into: string | null }
  | { kind: "progress"; progress: ImportProgress }
  | { kind: "stopping" }
  | { kind: "stopped"; refusal: Refusal | null }
  | { kind: "done"; report: ImportReport };

type Imports = Readonly<Record<SpaceId, Import>>;

const NOTHING: ImportProgress = { messages: 0, read: 0, of: 0 };

export function withImport(imports: Imports, space: SpaceId, change: ImportChange): Imports {
  const changed = after(imports[space], change);
  return changed === undefined ? imports : { ...imports, [space]: changed };
}

function after(known: Import | undefined, change: ImportChange): Import | undefined {
  if (change.kind === "chosen") {
    const { about } = change;
    return { about, into: null, progress: NOTHING, stage: { kind: "chosen" } };
  }
  if (known === undefined) return undefined;
  if (change.kind === "started") {
    const { into } = change;
    return { ...known, into, progress: NOTHING, stage: { kind: "running", stopping: false } };
  }
  // Of one that has ended nothing more is to be told.
  if (known.stage.kind !== "running") return known;
  switch (change.kind) {
    case "progress":
      return { ...known, progress: change.progress };
    case "stopping":
      return { ...known, stage: { kind: "running", stopping: true } };
    case "stopped":
    case "done":
      return { ...known, stage: change };
  }
}

/** How much of the file is read, from 0 to 1. */
export function partRead({ read, of }: ImportProgress): number {
  return of === 0 ? 0 : Math.min(1, read / of);
}

/** Each reason, and the lines that were refused for it, in the order in which they come. */
export function byReason(refusals: readonly RefusedLine[]): [why: string, lines: number[]][] {
  const lines = new Map<string, number[]>();
  for (const { line, message } of refusals) {
    const known = lines.get(message);
    if (known) known.push(line);
    else lines.set(message, [line]);
  }
  return [...lines];
}
