// What the window's width and the text size allow side by side, and what is seen of the room then.

import type { Page } from "@playwright/test";
import { calls, expect, item, open, roomItem, test } from "./desk";

/** Longer than a room waits before it tells what was seen, in milliseconds. */
const SEEN_BY_THEN_MS = 3_000;

async function goTo(page: Page, room: string): Promise<void> {
  await page.getByTestId("show-list").click();
  await roomItem(page, room).click();
  await expect(page.getByTestId("room-name")).toHaveText(room);
}

async function lookedAt(page: Page): Promise<unknown> {
  return (await calls(page, "look")).at(-1);
}

test.describe("on a narrow window", () => {
  test.use({ viewport: { width: 400, height: 760 } });

  test("a hit leads to its message, which no drawer covers", async ({ page }) => {
    await open(page, "studio");
    await goTo(page, "workshop");
    await page.getByTestId("open-search").click();
    await page.getByText("Everywhere").click();
    await page.getByTestId("search-input").fill("matrix");
    const hit = page.getByTestId("search-hit").first();
    const id = (await hit.getAttribute("data-id")) ?? "";
    await hit.click();
    await expect(page.getByTestId("room-name")).toHaveText("general");
    await expect(page.getByTestId("timeline").locator(`[data-key="${id}"]`)).toBeInViewport();
    await expect(page.getByTestId("drawer")).toHaveCount(0);
  });

  test("so does a pin", async ({ page }) => {
    await open(page, "studio");
    await goTo(page, "workshop");
    await page.getByTestId("open-pins").click();
    await page.getByTestId("pinned-go").click();
    await expect(page.getByTestId("drawer")).toHaveCount(0);
    await expect(item(page, "Who took the calibration kit?")).toBeInViewport();
  });

  test("a person leads to the room with them", async ({ page }) => {
    await open(page, "studio");
    await page.getByTestId("room-people").click();
    await page.getByText("Everybody", { exact: true }).click();
    await page.getByTestId("drawer").locator("[data-name='Ana Lindqvist']").click();
    await expect(page.getByTestId("room-name")).toHaveText("Ana Lindqvist");
    await expect(page.getByTestId("drawer")).toHaveCount(0);
  });

  test("what comes behind a drawer is read once the drawer is gone", async ({ page }) => {
    await page.clock.install();
    await open(page, "studio");
    await goTo(page, "reading-list");
    await page.getByTestId("open-search").click();
    await page.clock.runFor(SEEN_BY_THEN_MS);
    const before = (await calls(page, "read")).length;
    await page.evaluate(() => window.landline.receive("reading-list", "New book in"));
    await expect(item(page, "New book in")).toBeAttached();
    await page.clock.runFor(SEEN_BY_THEN_MS);
    expect(await calls(page, "read")).toHaveLength(before);
    expect(await lookedAt(page)).toMatchObject({ room: null });

    await page.getByTestId("close-drawer").click();
    await expect(item(page, "New book in")).toBeInViewport();
    await expect(page.getByTestId("unread-line")).toBeVisible();
    await page.clock.runFor(SEEN_BY_THEN_MS);
    await expect.poll(() => calls(page, "read")).toHaveLength(before + 1);
    expect(await lookedAt(page)).not.toMatchObject({ room: null });
  });
});

test("what comes behind a picture over the whole window is not read", async ({ page }) => {
  await page.clock.install();
  await open(page, "files");
  await page.locator("[data-testid=picture][data-name='rope.jpg']").click();
  await expect(page.getByTestId("viewer").locator("img")).toHaveClass(/drawn/);
  await page.clock.runFor(SEEN_BY_THEN_MS);
  const before = (await calls(page, "read")).length;
  await page.evaluate(() => window.landline.receive("general", "The crane is free"));
  await expect(item(page, "The crane is free")).toBeAttached();
  await page.clock.runFor(SEEN_BY_THEN_MS);
  expect(await calls(page, "read")).toHaveLength(before);
  expect(await lookedAt(page)).toMatchObject({ room: null });
  await page.getByTestId("viewer-close").click();
  await expect.poll(() => lookedAt(page)).not.toMatchObject({ room: null });
});

for (const size of [150, 200]) {
  test(`with text at ${size} % a drawer leaves the room its width`, async ({ page }) => {
    await open(page, "studio");
    await page.evaluate(async (text_size) => {
      const { settings } = window.landline;
      await window.landline.call("set_settings", { settings: { ...settings, text_size } });
    }, size);
    await expect(page.locator("html")).toHaveCSS("font-size", `${(16 * size) / 100}px`);
    await page.getByTestId("open-search").click();
    await expect(page.getByTestId("drawer")).toBeVisible();
    const composer = await page.getByTestId("composer-input").boundingBox();
    expect(composer?.width).toBeGreaterThan(240);
    const room = await page.getByTestId("room").boundingBox();
    expect(room?.width).toBe(1160);
    await page.getByTestId("close-drawer").click();
    await page.getByTestId("show-list").click();
    await expect(roomItem(page, "workshop")).toBeInViewport();
  });
}
