// What one reads stays as it is while others write.

import type { Page } from "@playwright/test";
import { calls, expect, item, open, roomItem, scrollTo, test } from "./desk";

/** The id that the invented core gives to the next message but `skip`. */
const nextId = (skip = 0) =>
  `0199aa00-0000-7000-8000-${(0x900001 + skip).toString(16).padStart(12, "0")}`;

/** So much more is said in the thread of the workshop. */
async function fillThread(page: Page, replies: number): Promise<void> {
  await page.evaluate((count) => {
    const [space] = window.landline.spaces.values();
    const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === "workshop");
    const head = room?.items.find(({ seq }) => seq === 12);
    if (!head) throw new Error("no thread");
    for (let n = 0; n < count; n += 1) {
      window.landline.receive("workshop", `Sample ${n} is dry`, 2 + (n % 4), head.id);
    }
  }, replies);
}

/** A notification of this message was clicked. */
async function clickNotification(page: Page, roomName: string, id: string): Promise<void> {
  await page.evaluate(
    ([name, item]) => {
      const [space] = window.landline.spaces.values();
      const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === name);
      if (!space || !room || item === undefined) throw new Error("no such room");
      window.landline.emit({
        event: "open",
        space: space.view.space,
        room: room.view.room,
        item,
      });
    },
    [roomName, id],
  );
}

/** Until the invented core has answered what was asked of it, and what was asked upon that. */
async function answered(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let turn = 0; turn < 3; turn += 1)
      await window.landline.call("look", {
        space: null,
        room: null,
        thread: null,
        focused: true,
      });
  });
}

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
    window.landline.call = (name, request) =>
      name === "versions" ? Promise.resolve({ versions }) : call(name, request);
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

test("a long thread keeps the message that began it, and says how many replies it has", async ({
  page,
}) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await fillThread(page, 150);
  await page.getByTestId("replies").click();
  const thread = page.getByTestId("thread");
  const head = thread.getByTestId("item").first();
  await expect(thread.getByText("Sample 149 is dry")).toBeInViewport();
  await expect(head).toContainText("This is what the rig reports");
  await expect(thread.getByTestId("thread-count")).toHaveText("153 replies");
  await expect(thread.getByTestId("item")).toHaveCount(101);

  const first = thread.getByText("Sample 50 is dry");
  await first.scrollIntoViewIfNeeded();
  // The thread hears of a scrolling with the next frame.
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
  const top = (await first.boundingBox())?.y ?? NaN;
  await thread.getByRole("button", { name: "Show earlier replies" }).evaluate((button) => {
    (button as HTMLButtonElement).click();
  });
  await expect(thread.getByTestId("item")).toHaveCount(154);
  expect(Math.abs(((await first.boundingBox())?.y ?? NaN) - top)).toBeLessThanOrEqual(1);
  await expect(thread.getByText("not on this computer")).toHaveCount(0);
});

test("a hit on an old reply opens the thread there, and from there one goes on", async ({
  page,
}) => {
  await open(page, "studio");
  await fillThread(page, 150);
  await page.keyboard.press("Control+Shift+F");
  await page.getByTestId("search-input").fill("Sample 20 is");
  await page.getByTestId("search-hit").click();
  const thread = page.getByTestId("thread");
  await expect(thread.locator(".lit")).toContainText("Sample 20 is dry");
  await expect(thread.locator(".lit")).toBeInViewport();
  await expect(thread.getByTestId("thread-count")).toHaveText("153 replies");
  const top = (await thread.locator(".lit").boundingBox())?.y;
  // What comes at its end does not lead away from it.
  await fillThread(page, 1);
  await expect(thread.getByTestId("thread-count")).toHaveText("154 replies");
  expect((await thread.locator(".lit").boundingBox())?.y).toBe(top);

  await thread.getByRole("button", { name: "Show later replies" }).click();
  await expect(thread.getByText("Sample 149 is dry")).toHaveCount(1);
  await expect(thread.getByText("Sample 149 is dry")).not.toBeInViewport();
  await page.getByTestId("thread-input").fill("All of them are.");
  await page.getByTestId("thread-input").press("Enter");
  await expect(thread.getByText("All of them are.")).toBeInViewport();
});

test("what one says in a thread is seen, wherever in it one reads", async ({ page }) => {
  await open(page, "studio");
  await fillThread(page, 150);
  await page.keyboard.press("Control+Shift+F");
  await page.getByTestId("search-input").fill("Sample 20 is");
  await page.getByTestId("search-hit").click();
  const thread = page.getByTestId("thread");
  await expect(thread.locator(".lit")).toBeInViewport();
  await page.getByTestId("thread-input").fill("Which one?");
  await page.getByTestId("thread-input").press("Enter");
  await expect(thread.getByText("Which one?")).toBeInViewport();
});

test("a link to what is not here says so, and does not pull one there later", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  const id = nextId(1);
  await page.evaluate((item) => {
    const [space] = window.landline.spaces.values();
    const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === "workshop");
    if (!space || !room) throw new Error("no workshop");
    const link = `landline://message?space=${space.view.space}&room=${room.view.room}&item=${item}`;
    window.landline.receive("general", `See ${link}`);
  }, id);
  await page.locator(".prose a[href^='landline:']").click();
  await expect(page.getByTestId("room-name")).toHaveText("workshop");
  await expect(page.getByTestId("notice")).toContainText("not on this computer yet");
  await page.evaluate(() => window.landline.receive("workshop", "Here at last"));
  await expect(page.locator(`[data-key="${id}"]`)).toContainText("Here at last");
  await expect(page.locator(".lit")).toHaveCount(0);
});

test("a link that can't be looked up says why", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await page.evaluate(() => {
    const [space] = window.landline.spaces.values();
    const [room] = space?.rooms.values() ?? [];
    if (!space || !room) throw new Error("no room");
    const about = `space=${space.view.space}&room=${room.view.room}`;
    const item = "0199aa00-0000-7000-8000-0000000000aa";
    window.landline.receive("general", `See landline://message?${about}&item=${item}`);
    const call = window.landline.call.bind(window.landline);
    const refused = { space: space.view.space, room: "none" };
    window.landline.call = (name, request) =>
      name === "item" ? call("members", refused) : call(name, request);
  });
  await page.locator(".prose a[href^='landline:']").click();
  await expect(page.getByTestId("notice")).toContainText("There is no such room.");
});

test("a notification leads to its message when it comes, if one has not read on", async ({
  page,
}) => {
  await open(page, "studio");
  await clickNotification(page, "general", nextId());
  await answered(page);
  await page.evaluate(() => window.landline.receive("general", "The very one"));
  await expect(page.locator(".lit")).toContainText("The very one");
  await expect(page.locator(".lit")).toBeInViewport();

  await clickNotification(page, "general", nextId(1));
  await answered(page);
  await scrollTo(page, 400);
  await page.evaluate(() => window.landline.receive("general", "Too late"));
  await expect(roomItem(page, "general").getByTestId("unread-count")).toBeVisible();
  await expect(item(page, "Too late")).not.toBeInViewport();
});

test("each new message is spoken, also of several at once and of two that are alike", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await expect(page.getByTestId("jump-newest")).toHaveCount(0);
  const spoken = page.getByTestId("spoken").locator("p");
  await page.evaluate(() => {
    window.landline.receive("general", "ok");
    window.landline.receive("general", "ok");
    const [space] = window.landline.spaces.values();
    const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === "general");
    if (!space || !room) throw new Error("no general");
    window.landline.tellSystem(space.view.space, room, { type: "joined" });
  });
  await expect(spoken).toHaveText(["Ben Okafor: ok", "Ben Okafor: ok"]);
  const [first] = await spoken.elementHandles();
  await page.evaluate(() => window.landline.receive("general", "ok"));
  await expect(spoken).toHaveCount(3);
  // The ones before stay as they are: only what is added is spoken.
  expect(await first?.evaluate((one) => one.isConnected)).toBe(true);
  await expect(page.getByTestId("spoken")).toHaveAttribute("aria-relevant", "additions");
  await page.evaluate(() => {
    for (let n = 0; n < 9; n += 1) window.landline.receive("general", `Nr. ${n}`);
  });
  await expect(spoken).toHaveCount(5);
  await expect(spoken.last()).toHaveText("Ben Okafor: Nr. 8");
});

test("at midnight today becomes yesterday, and quiet ends when it was said", async ({ page }) => {
  await page.clock.install({ time: new Date("2026-11-21T22:00:00+01:00") });
  await open(page, "studio");
  await expect(page.getByRole("heading", { name: "Today" })).not.toHaveCount(0);
  await page.evaluate(() => {
    const quiet_until = Date.now() + 60 * 60_000;
    window.landline.emit({
      event: "settings",
      settings: { ...window.landline.settings, quiet_until },
    });
  });
  const quiet = page.locator(".foot").getByText("quiet until");
  await expect(quiet).toBeVisible();
  await page.clock.fastForward("01:00:05");
  await expect(quiet).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Today" })).not.toHaveCount(0);
  await page.clock.fastForward("01:00:00");
  await expect(page.getByRole("heading", { name: "Today" })).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Yesterday" })).not.toHaveCount(0);
});

test("what was marked unread is read once its room is opened again, open as it is", async ({
  page,
}) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const count = roomItem(page, "workshop").getByTestId("unread-count");
  // What is left is a reply in a thread, which was not read.
  await expect(count).toHaveAttribute("data-count", "1");
  const last = item(page, "Looks right to me.");
  await last.hover();
  await last.getByTestId("message-menu").click();
  await page.getByTestId("menu-unread").click();
  await expect(count).toHaveAttribute("data-count", "2");
  await roomItem(page, "workshop").click();
  await expect(count).toHaveAttribute("data-count", "1");
});

test("a window that was told everything anew shows the room and the thread again", async ({
  page,
}) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("replies").click();
  await expect(page.getByTestId("thread").getByTestId("item")).toHaveCount(4);
  const pages = (await calls(page, "page")).length;
  await page.evaluate(() => {
    const stop = window.landline.listen((events) => {
      stop();
      window.landline.emit(...events);
    });
  });
  await expect.poll(async () => (await calls(page, "page")).length).toBe(pages + 2);
  await expect(item(page, "Looks right to me.")).toBeVisible();
  await expect(page.getByTestId("thread").getByTestId("item")).toHaveCount(4);
});

test("the details of a message are not asked for again while somebody types", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await page.getByTestId("edited").last().click();
  await expect(page.getByTestId("version")).toHaveCount(1);
  const asked = (await calls(page, "versions")).length;
  await page.evaluate(() => window.landline.typing("general", 3));
  await expect(page.getByText("is typing")).toBeVisible();
  expect((await calls(page, "versions")).length).toBe(asked);
});

test("an address that two interfaces of this computer have does no harm", async ({ page }) => {
  await open(page, "new");
  await expect(page.getByTestId("invite-address")).toHaveCount(1);
  await page.evaluate(() => {
    const hosting = window.landline.hosting.map((one) => ({
      ...one,
      addresses: [...one.addresses, ...one.addresses],
    }));
    window.landline.emit({ event: "hosting", hosting });
  });
  await expect(page.getByTestId("invite-address")).toHaveCount(2);
});
