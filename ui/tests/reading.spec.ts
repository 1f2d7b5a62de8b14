// What one reads stays as it is while others write.

import { calls, expect, item, open, test } from "./desk";

test("what is selected of a message stays selected while others type and write", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await page.evaluate(() =>
    window.landline.receive(
      "general",
      "@Mira Solberg see #workshop\n\n```c\n#include <math.h>\n```",
    ),
  );
  const text = item(page, "#include <math.h>").getByTestId("item-text");
  await expect(text.locator(".hljs-meta")).not.toHaveCount(0);
  await text.evaluate((element) => {
    const code = element.querySelector("code");
    if (!code) throw new Error("no code");
    code.dataset["mark"] = "same";
    getSelection()?.selectAllChildren(code);
  });
  const selected = () => page.evaluate(() => getSelection()?.toString().trim());
  expect(await selected()).toBe("#include <math.h>");

  await page.evaluate(() => window.landline.typing("general", 3));
  await expect(page.getByText("is typing")).toBeVisible();
  await page.evaluate(() => window.landline.receive("workshop", "Meanwhile"));
  // A reaction changes the message, and still not its text.
  await page.evaluate(() => {
    const [space] = window.landline.spaces.values();
    const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === "general");
    const id = room?.items.at(-1)?.id;
    if (!space || !room || id === undefined) throw new Error("nothing there");
    window.landline.change(space.view.space, room, id, (body) => ({ ...body, pinned: true }));
  });
  await expect(item(page, "#include <math.h>").getByText("pinned")).toBeVisible();
  expect(await selected()).toBe("#include <math.h>");
  await expect(text.locator("code[data-mark=same]")).toHaveCount(1);
});

test("a room that is renamed is marked under its new name in what was written before", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await page.evaluate(() => window.landline.receive("general", "It is in #attic, not #workshop"));
  const marks = item(page, "It is in #attic").locator(".mention.room");
  await expect(marks).toHaveText(["#workshop"]);
  await page.evaluate(() => {
    const [space] = window.landline.spaces.values();
    const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === "workshop");
    if (!space || !room) throw new Error("no workshop");
    room.view.name = "attic";
    window.landline.emit({ event: "room", space: space.view.space, room: room.view });
  });
  await expect(marks).toHaveText(["#attic"]);
});

test("a link is followed by a click and by the middle button, not by the one for menus", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await page.evaluate(() =>
    window.landline.receive("general", "<https://intra.example/a> #workshop"),
  );
  const said = item(page, "intra.example/a");
  await said.getByRole("link").first().click({ button: "right" });
  await said.locator(".mention.room").click({ button: "right" });
  await expect(page.getByTestId("room-name")).toHaveText("general");
  expect(await calls(page, "open_link")).toEqual([]);
  await said.getByRole("link").first().click({ button: "middle" });
  expect(await calls(page, "open_link")).toEqual([{ url: "https://intra.example/a" }]);
});

test("versions of one moment are all shown", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await page.evaluate(() => {
    const call = window.landline.call.bind(window.landline);
    const versions = ["one", "two", "three"].map((text) => ({ text, at: 1_000 }));
    window.landline.call = ((name, request) =>
      name === "versions" ? Promise.resolve({ versions }) : call(name, request));
  });
  await page.getByTestId("edited").last().click();
  await expect(page.getByTestId("version").locator("p")).toHaveText(["two", "one"]);
});

test("two who brought in what somebody of one name wrote are two", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await page.evaluate(() => {
    const [space] = window.landline.spaces.values();
    const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === "general");
    const last = room?.items.at(-1);
    if (!space || !room || !last) throw new Error("nothing there");
    const authors = space.people
      .slice(1, 3)
      .map(({ member }) => ({ member, imported_name: "Ana" }));
    const replies = { count: 2, last_at: Date.now(), last: 9, authors, unread: 0 };
    window.landline.change(space.view.space, room, last.id, (body) => ({ ...body, replies }));
  });
  await expect(page.getByTestId("replies").locator(".avatar")).toHaveCount(2);
});
