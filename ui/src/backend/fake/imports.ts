// Imports into the invented world: a file that tests choose, read step by step.

import { Refused } from "../backend";
import type { ImportAbout } from "../gen/ImportAbout";
import type { ImportProgress } from "../gen/ImportProgress";
import type { ImportReport } from "../gen/ImportReport";
import type { Refusal } from "../gen/Refusal";
import { uuid } from "./scene";

/** How many steps a file takes, and how long each is, in milliseconds. */
const STEPS = 8;
const STEP_MS = 40;
const BYTES = 6_400_000;

export class FakeImports {
  /** The file that the person chooses next; null: none. */
  about: ImportAbout | null = { name: "guild export.zip", kind: "slack", room: null };
  /** Why that file can't be imported. */
  notOffered: Refusal | null = null;
  /** Why the next import ends after a few steps. */
  refusal: Refusal | null = null;
  report: ImportReport = REPORT;
  /** False: an import stays where it is until it is cancelled. */
  moves = true;
  /** Rooms that imports were to go into, for tests; null: as the file says. */
  readonly into: (string | null)[] = [];
  #cancelled = new Set<string>();

  choose(): Promise<ImportAbout | null> {
    if (this.notOffered) return Promise.reject(new Refused(this.notOffered));
    return Promise.resolve(this.about);
  }

  async start(
    space: string,
    into: string | null,
    progress: (progress: ImportProgress) => void,
  ): Promise<ImportReport | null> {
    this.into.push(into);
    this.#cancelled.delete(space);
    const of = this.about?.kind === "slack" ? STEPS : BYTES;
    for (let step = 1; step <= STEPS;) {
      await new Promise((passed) => setTimeout(passed, STEP_MS));
      if (this.#cancelled.has(space)) return null;
      const { refusal } = this;
      if (refusal && step > STEPS / 2) {
        this.refusal = null;
        throw new Refused(refusal);
      }
      if (!this.moves && step > STEPS / 2) continue;
      const messages = Math.round((this.report.imported * step) / STEPS);
      progress({ messages, read: Math.round((of * step) / STEPS), of });
      step += 1;
    }
    return { ...this.report, space };
  }

  cancel(space: string): Promise<void> {
    this.#cancelled.add(space);
    return Promise.resolve();
  }
}

function rooms(...named: [string, number, number][]): ImportReport["rooms"] {
  return named.map(([name, imported, already], index) => {
    return { room: uuid(0x11 + index), name, imported, already };
  });
}

/** Something of each kind. */
const REPORT: ImportReport = {
  space: "",
  room: uuid(0x11),
  name: "general",
  rooms: rooms(
    ["general", 8_114, 12],
    ["workshop", 2_480, 0],
    ["site-nord", 1_906, 0],
    ["old-tools", 241, 0],
    ["suppliers", 88, 0],
    ["lunch", 74, 0],
    ["random", 12, 0],
  ),
  lines: 12_931,
  imported: 12_915,
  already: 12,
  changes: 1_207,
  files: 0,
  alone: 3,
  // More than are named.
  refused: 1_030,
  refusals: Array.from({ length: 24 }, (_, index) => ({
    line: 40 + 7 * index,
    code: index % 3 === 0 ? "too_large" : "bad_request",
    message:
      index % 3 === 0 ? "a text has at most 16 KiB" : "a message of general has no time: `ts`",
  })),
  refused_rooms: [
    {
      name: "budget-2027",
      code: "conflict",
      message: "budget-2027 is archived here; name the room to put it into",
      messages: 41,
    },
  ],
  left_out: [
    {
      reason: "file",
      count: 214,
      names: ["plan v3.pdf", "crane.jpg", "IMG_0412.heic", "list.xlsx"],
    },
    { reason: "private_room", count: 2, names: ["leads", "@Ana Lind, @Ben Ode"] },
    { reason: "room_change", count: 88, names: [] },
    { reason: "reactor", count: 1_120, names: [] },
    { reason: "archived", count: 1, names: ["old-tools"] },
  ],
};
