import { expect, test } from "vitest";
import { layoutFor } from "./layout";

test("the narrower the window, the less stands side by side", () => {
  expect(layoutFor(1160, 100)).toEqual([]);
  expect(layoutFor(1080, 100)).toEqual(["drawer-over"]);
  expect(layoutFor(820, 100)).toEqual(["drawer-over", "list-over"]);
  expect(layoutFor(360, 100)).toEqual(["drawer-over", "list-over", "one-pane"]);
});

test("larger text needs a wider window, smaller text less", () => {
  expect(layoutFor(1160, 110)).toEqual(["drawer-over"]);
  expect(layoutFor(1160, 150)).toEqual(["drawer-over", "list-over"]);
  expect(layoutFor(1100, 200)).toEqual(["drawer-over", "list-over", "one-pane"]);
  expect(layoutFor(480, 200)).toContain("tight");
  expect(layoutFor(900, 80)).toEqual([]);
});
