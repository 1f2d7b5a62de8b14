import type { Page } from "@playwright/test";
import { calls, expect, item, open, roomItem, said, scrollBy, scrollTo, test, write } from "./desk";

/** The first item that is wholly in view, and where it stands. */
async function topItem(page: Page): Promise<{ id: string; top: number }> {
  return await page.getByTestId("timeline").evaluate((view) => {
    const from = view.getBoundingClientRect().top;
    for (const one of view.querySelectorAll<HTMLElement>("[data-testid=item]")) {
      const { top } = one.getBoundingClientRect();
      if (top >= from) return { id: one.dataset["id"] ?? "", top: Math.round(top) };
    }
    throw new Error("no item in view");
  });
}

async function whereIs(page: Page, id: string): Promise<number> {
  const place = await page.locator(`[data-testid=item][data-id="${id}"]`).boundingBox();
  return Math.round(place?.y ?? NaN);
}

const distanceFromEnd = (page: Page) =>
  page
    .getByTestId("timeline")
    .evaluate((view) => Math.round(view.scrollHeight - view.scrollTop - view.clientHeight));

test("a room opens at its first unread message, under a line", async ({ page }) => {
  await open(page, "studio");
  const line = page.getByTestId("unread-line");
  await expect(line).toBeInViewport();
  await expect(page.getByTestId("jump-newest")).toContainText("new messages");
  expect(await distanceFromEnd(page)).toBeGreaterThan(200);
});

test("the button goes to the newest, and what was seen is read", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await expect.poll(() => distanceFromEnd(page)).toBeLessThan(2);
  await expect(roomItem(page, "general").getByTestId("unread-count")).toHaveCount(0);
  await expect(page.getByTestId("jump-newest")).toHaveCount(0);
});

test("older pages come as one scrolls up, and what one looks at stays put", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  const height = await page.getByTestId("timeline").evaluate((view) => view.clientHeight);
  for (let turn = 0; turn < 4; turn += 1) {
    const pages = (await calls(page, "page")).length;
    await scrollTo(page, height / 2);
    const { id, top } = await topItem(page);
    // Either another page was read above, or this is where the room begins.
    await expect
      .poll(async () => {
        const start = await page.getByText("This is where general begins.").count();
        return start > 0 || (await calls(page, "page")).length > pages;
      })
      .toBe(true);
    expect(Math.abs((await whereIs(page, id)) - top)).toBeLessThanOrEqual(1);
  }
});

test("larger text moves everything but what one looks at", async ({ page }) => {
  await open(page, "studio");
  await expect(page.getByTestId("unread-line")).toBeInViewport();
  // Of the tallest message, the last line only: as it grows, it must not push away what follows.
  await page.getByTestId("timeline").evaluate((view) => {
    const items = Array.from(view.querySelectorAll<HTMLElement>("[data-testid=item]"));
    const tallest = items.reduce((a, b) => (b.offsetHeight > a.offsetHeight ? b : a));
    view.scrollTop +=
      tallest.getBoundingClientRect().bottom - view.getBoundingClientRect().top - 20;
    view.dispatchEvent(new Event("scroll"));
  });
  const { id, top } = await topItem(page);
  await page.keyboard.press("Control++");
  await expect(page.locator("html")).toHaveCSS("font-size", "17.6px");
  await expect.poll(async () => Math.abs((await whereIs(page, id)) - top)).toBeLessThan(30);
});

test("what one looks at stays also where the view is heard of only after text has grown", async ({
  page,
}) => {
  await open(page, "studio");
  await expect(page.getByTestId("unread-line")).toBeInViewport();
  await scrollBy(page, 300);
  const { id, top } = await topItem(page);
  // The event of a scrolling that is noted already comes between the change and its drawing.
  await page.getByTestId("timeline").evaluate((view) => {
    document.documentElement.style.fontSize = "24px";
    view.dispatchEvent(new Event("scroll"));
  });
  await expect.poll(async () => Math.abs((await whereIs(page, id)) - top)).toBeLessThan(30);
});

test("at the end one stays at the end as messages come; higher up one stays there", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await expect.poll(() => distanceFromEnd(page)).toBeLessThan(2);
  await page.evaluate(() => window.landline.receive("general", "The tide turns at six."));
  await expect(item(page, "The tide turns at six.")).toBeInViewport();

  await scrollBy(page, -400);
  const before = await topItem(page);
  await page.evaluate(() => window.landline.receive("general", "Bring a lamp."));
  await expect(page.getByTestId("jump-newest")).toContainText("1 new message");
  expect(await whereIs(page, before.id)).toBe(before.top);
});

test("what arrives while the window is in the background is not read until one returns", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("jump-newest").click();
  await expect(roomItem(page, "general").getByTestId("unread-count")).toHaveCount(0);
  const focus = (on: boolean) =>
    page.evaluate((has) => {
      document.hasFocus = () => has;
      window.dispatchEvent(new Event(has ? "focus" : "blur"));
    }, on);

  await focus(false);
  await expect
    .poll(() => calls(page, "look"))
    .toContainEqual(expect.objectContaining({ focused: false }));
  const readings = (await calls(page, "read")).length;
  await page.evaluate(() => window.landline.receive("general", "Somebody at the door?"));
  await expect(item(page, "Somebody at the door?")).toBeVisible();
  await expect(roomItem(page, "general").getByTestId("unread-count")).toHaveText(/^\s*1/);
  expect((await calls(page, "read")).length).toBe(readings);

  await focus(true);
  await expect(roomItem(page, "general").getByTestId("unread-count")).toHaveCount(0);
});

test("in a room of 100,000 messages the page stays small, from one end to the other", async ({
  page,
}) => {
  test.slow();
  await open(page, "large");
  await expect(page.getByTestId("item").first()).toBeVisible();
  for (let turn = 0; turn < 6; turn += 1) {
    const pages = (await calls(page, "page")).length;
    await scrollTo(page, 10);
    await expect.poll(async () => (await calls(page, "page")).length).toBeGreaterThan(pages);
  }
  expect(await page.getByTestId("item").count()).toBeLessThanOrEqual(400);
  await page.getByTestId("jump-newest").click();
  await expect.poll(() => distanceFromEnd(page)).toBeLessThan(2);
  await write(page, "And one more.");
  await expect(item(page, "And one more.")).toBeInViewport();
});

test("whoever reaches the top before older messages are here stays with what they see", async ({
  page,
}) => {
  await open(page, "large");
  await expect(page.getByTestId("item").first()).toBeVisible();
  const timeline = page.getByTestId("timeline");
  for (const at of [0, 5]) {
    await timeline.evaluate((view, at) => {
      view.scrollTop = at;
      view.dispatchEvent(new Event("scroll"));
    }, at);
    const { id, top } = await topItem(page);
    await expect.poll(() => timeline.evaluate((view) => view.scrollTop)).toBeGreaterThan(500);
    expect(Math.abs((await whereIs(page, id)) - top)).toBeLessThanOrEqual(1);
  }
});

test("what comes before the end of the room has been read is spoken too", async ({ page }) => {
  await open(page, "studio");
  await page.evaluate(() => window.landline.receive("general", "Mind the step"));
  await expect(page.getByTestId("spoken")).toContainText("Mind the step");
});

test("a search hit is jumped to and lit up, offline too", async ({ page }) => {
  await open(page, "offline");
  await page.keyboard.press("Control+F");
  await page.getByTestId("search-input").fill("subsingleton");
  const hit = page.getByTestId("search-hit").last();
  const id = await hit.getAttribute("data-id");
  await hit.click();
  await expect(page.locator(`[data-testid=item][data-id="${id ?? ""}"]`)).toBeInViewport();
  await expect(page.locator(`[data-key="${id ?? ""}"].lit`)).toBeAttached();
  // From there one scrolls on as from anywhere.
  await scrollBy(page, 300);
  const next = await topItem(page);
  await page.evaluate(() => window.landline.receive("general", "One more thing"));
  await expect(roomItem(page, "general").getByTestId("unread-count")).toBeVisible();
  expect(await whereIs(page, next.id)).toBe(next.top);
});

test("a quote leads to the message that is answered", async ({ page }) => {
  await open(page, "offline");
  const quote = page.getByTestId("quote");
  await quote.click();
  await expect(page.locator(".lit")).toBeInViewport();
});

test("a notification that was clicked opens its room", async ({ page }) => {
  await open(page, "studio");
  await page.evaluate(() => {
    const [space] = window.landline.spaces.values();
    const room = [...(space?.rooms.values() ?? [])].find(({ view }) => view.name === "workshop");
    if (!space || !room) throw new Error("no workshop");
    const item = room.items.at(-1)?.id ?? null;
    const [id, where] = [space.view.space, room.view.room];
    window.landline.emit({ event: "open", space: id, room: where, item });
  });
  await expect(page.getByTestId("room-name")).toHaveText("workshop");
  await expect(item(page, "Looks right to me.")).toBeInViewport();
});

test("code is coloured and copied, links open outside", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await expect(page.locator(".hljs-keyword").first()).toHaveText("def");
  await page.locator(".code-block").hover();
  const button = page.locator(".code-block").getByRole("button", { name: "Copy" });
  const told = await said(button);
  await button.click();
  await expect.poll(told).toContain("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("def drift");

  const link = page.getByRole("link", { name: "https://intra.example/rig/4" });
  await expect(link).toHaveAttribute("title", "https://intra.example/rig/4");
  await link.click();
  expect(await calls(page, "open_link")).toEqual([{ url: "https://intra.example/rig/4" }]);
  expect(page.url()).toContain("fake.html");
});

test("many system events are folded", async ({ page }) => {
  // Not at night, when a day line may stand between them.
  await page.clock.install({ time: new Date("2026-11-21T12:00:00+01:00") });
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const lines = page.getByTestId("system-line").first();
  await expect(lines.locator("p")).toHaveCount(2);
  await lines.getByRole("button").click();
  await expect(lines.locator("p")).toHaveCount(8);
});
