import { describe, expect, test } from "vitest";
import type { ImportAbout } from "../backend/gen/ImportAbout";
import type { ImportReport } from "../backend/gen/ImportReport";
import { byReason, partRead, withImport, type ImportChange, type Import } from "./imports";
import { reduce } from "./reduce";
import { inRooms, room } from "./sample";
import type { Change } from "./state";

const about: ImportAbout = { name: "talk.jsonl", kind: "lines", room: "talk" };
const report: ImportReport = {
  space: "studio",
  room: "talk",
  name: "talk",
  rooms: [],
  lines: 3,
  imported: 3,
  already: 0,
  changes: 0,
  files: 0,
  alone: 0,
  refused: 0,
  refusals: [],
  refused_rooms: [],
  left_out: [],
};
const progress = { messages: 64, read: 500, of: 1_000 };
const chosen: ImportChange = { kind: "chosen", about };
const started: ImportChange = { kind: "started", into: "archive" };
const told: ImportChange = { kind: "progress", progress };

function after(...changes: ImportChange[]): Import | undefined {
  return changes.reduce<Readonly<Record<string, Import>>>(
    (imports, change) => withImport(imports, "studio", change),
    {},
  )["studio"];
}

describe("an import", () => {
  test("begins with the file that was chosen, from nothing", () => {
    expect(after(chosen)).toEqual({
      about,
      into: null,
      progress: { messages: 0, read: 0, of: 0 },
      stage: { kind: "chosen" },
    });
    expect(after(chosen, started, told, { kind: "done", report }, chosen)).toEqual(after(chosen));
  });

  test("tells how far it is, and in the end what came of it", () => {
    expect(after(chosen, started, told)).toMatchObject({
      into: "archive",
      progress,
      stage: { kind: "running", stopping: false },
    });
    expect(after(chosen, started, told, { kind: "done", report })?.stage).toEqual({
      kind: "done",
      report,
    });
  });

  test("that is stopped keeps what was in, and is told nothing more until it goes on", () => {
    const stopped = after(
      chosen,
      started,
      told,
      { kind: "stopping" },
      {
        kind: "stopped",
        refusal: null,
      },
    );
    expect(stopped).toMatchObject({ into: "archive", progress, stage: { kind: "stopped" } });
    const late: ImportChange = { kind: "progress", progress: { ...progress, messages: 128 } };
    expect(after(chosen, started, told, { kind: "stopped", refusal: null }, late)).toEqual(stopped);
    expect(after(chosen, started, told, { kind: "stopped", refusal: null }, started)).toMatchObject(
      { progress: { messages: 0 }, stage: { kind: "running" } },
    );
  });

  test("of which nothing is known is not made up by what comes late", () => {
    expect(after(told)).toBeUndefined();
    expect(after({ kind: "done", report })).toBeUndefined();
  });

  test("is forgotten with its space, and no other one is", () => {
    const change = (space: string): Change => ({ event: "import", space, change: chosen });
    const both = [change("studio"), change("other")].reduce(reduce, inRooms(room("general")));
    const left = reduce(both, { event: "space_gone", space: "studio" });
    expect(Object.keys(left.imports)).toEqual(["other"]);
  });

  test("of a file whose length is not known has read nothing of it, and never more than all", () => {
    expect(partRead({ messages: 0, read: 0, of: 0 })).toBe(0);
    expect(partRead({ messages: 0, read: 1, of: 4 })).toBe(0.25);
    expect(partRead({ messages: 0, read: 9, of: 4 })).toBe(1);
  });

  test("tells each reason once, whatever its words are, with the lines in their order", () => {
    const refused = (line: number, message: string) =>
      ({ line, code: "bad_request", message }) as const;
    expect(
      byReason([refused(2, "too long"), refused(5, "constructor"), refused(9, "too long")]),
    ).toEqual([
      ["too long", [2, 9]],
      ["constructor", [5]],
    ]);
    expect(byReason([])).toEqual([]);
  });
});
