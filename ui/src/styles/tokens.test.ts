import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Icons and marks: at least so much to one. */
const LEAST = 3;
const GROUNDS = ["paper", "raised", "sunken", "rail", "hover", "pressed"];
const MARKS = ["presence-online", "presence-away", "presence-dnd", "presence-offline", "accent"];

const css = readFileSync("src/styles/tokens.css", "utf8");

/** The colours of a theme, by their names. */
function coloursOf(theme: string): ReadonlyMap<string, string> {
  const [, block = ""] = new RegExp(`data-theme="${theme}"\\] \\{([^}]*)`).exec(css) ?? [];
  return new Map(
    Array.from(block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g), ([, name = "", colour = ""]) => [
      name,
      colour,
    ]),
  );
}

/** As WCAG 2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

test.each(["light", "dark"])("marks stand out from every ground in the %s theme", (theme) => {
  const colours = coloursOf(theme);
  const of = (name: string) => colours.get(name) ?? "";
  const pairs = MARKS.flatMap((mark) => GROUNDS.map((ground) => ({ mark, ground })));
  const faint = pairs.filter(({ mark, ground }) => !(contrast(of(mark), of(ground)) >= LEAST));
  expect(faint).toEqual([]);
});
