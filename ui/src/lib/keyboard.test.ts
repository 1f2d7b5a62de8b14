import { expect, test } from "vitest";
import { alone, composing } from "./keyboard";

const press = (more: Partial<KeyboardEvent>) => ({
  isComposing: false,
  keyCode: 13,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  ...more,
});

test.each([
  ["an Enter", press({}), false],
  ["an Enter within the composing", press({ isComposing: true }), true],
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- what is tested
  ["the Enter that WebKit tells of after it", press({ keyCode: 229 }), true],
])("%s: an input method's? %#", (_, event, its) => expect(composing(event)).toBe(its));

test.each([
  [{}, true],
  [{ altKey: true }, false],
  [{ ctrlKey: true }, false],
  [{ metaKey: true }, false],
  [{ shiftKey: true }, false],
])("with %j it is pressed alone: %j", (more, is) => expect(alone(press(more))).toBe(is));
