import { expect, test } from "vitest";
import { boxOf, columnsOf, ending, filesInWords, kindOf, summary } from "./files";

const file = (name: string, type: string) => ({ name, type, bytes: 1, blake3: "" });
const jpeg = file("a.jpg", "image/jpeg");

test("what could run something is never shown", () => {
  for (const type of ["image/svg+xml", "text/html", "application/xhtml+xml", "", "constructor"]) {
    expect(kindOf(type)).toBe("other");
  }
  expect(kindOf("image/png")).toBe("image");
  expect(kindOf("Audio/OGG; codecs=opus")).toBe("audio");
});

test("a picture keeps its shape within the largest space, and is no larger than it is", () => {
  for (const [width, height] of [
    [4000, 3000],
    [3000, 4000],
    [640, 480],
  ] as const) {
    const box = boxOf({ width, height });
    expect(box.width / box.height).toBeCloseTo(width / height, 5);
    expect(box.width).toBeLessThanOrEqual(24);
    expect(box.height).toBeLessThanOrEqual(20);
  }
  expect(boxOf({ width: 160, height: 160 })).toEqual({ width: 10, height: 10 });
});

test("a sliver, nothing and nonsense have a space that can be clicked", () => {
  for (const size of [
    { width: 9000, height: 2 },
    { width: 1, height: 1 },
    { width: 0, height: 5 },
    {},
  ]) {
    const box = boxOf(size);
    expect(box.width).toBeGreaterThanOrEqual(5);
    expect(box.height).toBeGreaterThanOrEqual(3);
  }
});

test("several stand in rows without a gap at two and four", () => {
  expect([1, 2, 3, 4, 5, 10].map(columnsOf)).toEqual([1, 2, 3, 2, 3, 3]);
});

test("files without a text are told in one line", () => {
  expect(filesInWords([jpeg])).toBe("Photo");
  expect(filesInWords([jpeg, jpeg])).toBe("2 photos");
  expect(filesInWords([file("plan.pdf", "application/pdf")])).toBe("plan.pdf");
  expect(filesInWords([file("a.mp4", "video/mp4")])).toBe("Video");
  expect(filesInWords([jpeg, file("plan.pdf", "application/pdf")])).toBe("2 files");
  expect(filesInWords([])).toBe("");
  expect(summary({ text: "**Look**", files: [jpeg] })).toBe("Look");
  expect(summary({ text: " ", files: [jpeg] })).toBe("Photo");
});

test("what a name ends with", () => {
  expect(ending("plan.pdf")).toBe("PDF");
  expect(ending("tiles.tar.gz")).toBe("GZ");
  for (const name of ["readme", ".bashrc", "what. Now", "a.reallylong"])
    expect(ending(name)).toBe("");
});
