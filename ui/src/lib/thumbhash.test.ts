import { rgbaToThumbHash } from "thumbhash";
import fc from "fast-check";
import { expect, test } from "vitest";
import { blurOf } from "./thumbhash";

test("a preview becomes a small picture of the same shape", () => {
  const rgba = new Uint8Array(40 * 20 * 4).fill(200);
  const blur = blurOf(btoa(String.fromCharCode(...rgbaToThumbHash(40, 20, rgba))));
  expect(blur).not.toBeNull();
  expect((blur?.width ?? 0) / (blur?.height ?? 1)).toBeGreaterThan(1.5);
});

test("whatever somebody sends as a preview does no harm", () => {
  expect(blurOf(undefined)).toBeNull();
  expect(blurOf("")).toBeNull();
  expect(blurOf("no base64!")).toBeNull();
  expect(blurOf("A".repeat(10_000))).toBeNull();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const blur = blurOf(btoa(String.fromCharCode(...bytes)));
      if (blur === null) return;
      expect(blur.rgba.length).toBe(blur.width * blur.height * 4);
      expect(blur.width * blur.height).toBeLessThanOrEqual(32 * 32);
    }),
  );
});
