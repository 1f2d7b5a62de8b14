// Sheets over the window: what is refused in them, and what closes them.

import { calls, expect, open, test } from "./desk";

const FULL = "the disk is full";

test("what is refused in a sheet is said over it, can be closed there, and stays after it", async ({
  page,
}) => {
  await open(page, "studio");
  await page.evaluate((words) => (window.landline.files.saveRefusal = words), FULL);
  await page.getByTestId("open-settings").click();
  const sheet = page.getByTestId("settings-sheet");
  await sheet.getByTestId("export-lines").click();
  const notices = page.getByTestId("notice");
  await expect(notices).toHaveText([FULL]);
  await sheet.getByTestId("export-lines").click();
  await expect(notices).toHaveText([FULL, FULL]);
  await notices.first().getByRole("button").click();
  await expect(notices).toHaveText([FULL]);
  await page.keyboard.press("Escape");
  await expect(sheet).toHaveCount(0);
  await expect(notices).toHaveText([FULL]);
  await notices.getByRole("button").click();
  await expect(notices).toHaveCount(0);
});

test("so is what is refused over a picture", async ({ page }) => {
  await open(page, "files");
  await page.evaluate((words) => (window.landline.files.saveRefusal = words), FULL);
  await page.locator("[data-testid=picture][data-name='rope.jpg']").click();
  const viewer = page.getByTestId("viewer");
  await expect(viewer.locator("img")).toHaveClass(/drawn/);
  await viewer.getByTestId("file-save").click();
  await expect(viewer.getByTestId("notice")).toHaveText(FULL);
  await viewer.getByTestId("notice").getByRole("button").click();
  await expect(page.getByTestId("notice")).toHaveCount(0);
  await expect(viewer).toBeVisible();
});

test("the rooms to join are asked for once, not again with every answer", async ({ page }) => {
  await page.clock.install();
  await open(page, "studio");
  await page.getByTestId("browse-rooms").click();
  await expect(page.getByTestId("browsed-room")).toHaveCount(2);
  await page.clock.runFor(5_000);
  expect(await calls(page, "browse_rooms")).toHaveLength(1);
  await page.getByTestId("browse-rooms-filter").fill("field");
  await expect(page.getByTestId("browsed-room")).toHaveCount(1);
  await page.clock.runFor(5_000);
  expect(await calls(page, "browse_rooms")).toHaveLength(2);
});

test("a sheet stays while text is selected beyond its edge, and goes at a click beside it", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("create-room").click();
  const field = page.getByTestId("create-room-name");
  await field.fill("harbour");
  const { x, y } = (await field.boundingBox()) ?? { x: 0, y: 0 };
  await page.mouse.move(x + 60, y + 10);
  await page.mouse.down();
  await page.mouse.move(20, y + 10, { steps: 4 });
  await page.mouse.up();
  await expect(field).toHaveValue("harbour");
  await page.mouse.click(20, y + 10);
  await expect(field).toHaveCount(0);
});

test("words to watch for that are too many are refused, and stay to be mended", async ({
  page,
}) => {
  await open(page, "studio");
  await page.getByTestId("open-settings").click();
  const words = page.getByTestId("settings-keywords");
  const many = Array.from({ length: 33 }, (_, n) => `crane ${n}`);
  await words.fill(many.join(", "));
  await words.blur();
  await expect(page.getByTestId("notice")).toContainText("at most 32 words");
  await page.getByText("Dark", { exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(words).toHaveValue(many.join(", "));
  await words.fill("crane");
  await words.blur();
  await expect
    .poll(async () => (await calls(page, "set_settings")).at(-1))
    .toMatchObject({ settings: { keywords: ["crane"] } });
});
