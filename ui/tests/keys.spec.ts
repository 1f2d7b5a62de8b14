import { expect, item, open, roomItem, test, write } from "./desk";

const focusedRegion = () =>
  document.activeElement?.closest("[data-region]")?.getAttribute("data-region") ?? null;

test("the palette goes to a room by a few letters", async ({ page }) => {
  await open(page, "studio");
  await page.keyboard.press("Control+K");
  await expect(page.getByTestId("palette-input")).toBeFocused();
  await page.keyboard.type("work");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("room-name")).toHaveText("workshop");
  await expect(page.getByTestId("palette")).toHaveCount(0);
});

test("Alt with arrows steps through rooms, with Shift through the unread ones", async ({
  page,
}) => {
  await open(page, "studio");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(page.getByTestId("room-name")).toHaveText("budget-2027");
  await page.keyboard.press("Alt+ArrowUp");
  await expect(page.getByTestId("room-name")).toHaveText("general");
  await page.keyboard.press("Alt+Shift+ArrowDown");
  await expect(page.getByTestId("room-name")).toHaveText("Ana Lindqvist");
  await page.keyboard.press("Alt+Shift+ArrowDown");
  await expect(page.getByTestId("room-name")).toHaveText("workshop");
});

test("Alt with arrows leaves a room in which one has written, and edits nothing", async ({
  page,
}) => {
  await open(page, "studio");
  await roomItem(page, "budget-2027").click();
  await write(page, "The second column is off.");
  await expect(item(page, "The second column is off.")).toHaveAttribute("data-state", "accepted");
  await expect(page.getByTestId("composer-input")).toBeFocused();
  await page.keyboard.press("Alt+ArrowUp");
  await expect(page.getByTestId("room-name")).toHaveText("general");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(page.getByTestId("room-name")).toHaveText("budget-2027");
  await page.keyboard.press("Alt+Shift+ArrowUp");
  await expect(page.getByTestId("room-name")).not.toHaveText("budget-2027");
  await expect(page.getByTestId("editing")).toHaveCount(0);
});

test("F6 goes around the regions, and back with Shift", async ({ page }) => {
  await open(page, "studio");
  await expect(page.getByTestId("composer-input")).toBeFocused();
  const seen: (string | null)[] = [];
  for (let step = 0; step < 4; step += 1) {
    await page.keyboard.press("F6");
    seen.push(await page.evaluate(focusedRegion));
  }
  expect(seen).toEqual(["rail", "sidebar", "timeline", "composer"]);
  await page.keyboard.press("Shift+F6");
  expect(await page.evaluate(focusedRegion)).toBe("timeline");
});

test("Esc closes what is open, then reads the room to its end", async ({ page }) => {
  await open(page, "studio");
  await page.keyboard.press("Control+F");
  await expect(page.getByTestId("search-input")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("drawer")).toHaveCount(0);
  await expect(page.getByTestId("composer-input")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(roomItem(page, "general").getByTestId("unread-count")).toHaveCount(0);
  await expect(page.getByTestId("jump-newest")).toHaveCount(0);
});

test("a sheet closes with Esc and gives the focus back", async ({ page }) => {
  await open(page, "studio");
  const button = page.getByTestId("create-room");
  await button.click();
  await expect(page.getByTestId("create-room-name")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("create-room-sheet")).toHaveCount(0);
  await expect(button).toBeFocused();
});

test("a menu is walked with arrows and closed with Esc", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("space-menu").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem").nth(1)).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("menuitem")).toHaveCount(0);
  await expect(page.getByTestId("space-menu")).toBeFocused();
});

test("beginning to type anywhere is beginning to write", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("timeline").focus();
  await page.keyboard.type("hi");
  await expect(page.getByTestId("composer-input")).toHaveValue("hi");
});

test("new messages of the open room are spoken, others are not", async ({ page }) => {
  await open(page, "studio");
  const newest = page.getByTestId("jump-newest");
  await expect(newest).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(newest).toHaveCount(0);
  await page.evaluate(() => window.landline.receive("general", "**Dinner** is ready"));
  await expect(page.getByTestId("spoken")).toHaveText("Ben Okafor: Dinner is ready");
  await page.evaluate(() => window.landline.receive("workshop", "Not here"));
  await expect(page.getByTestId("spoken")).toHaveText("Ben Okafor: Dinner is ready");
});
