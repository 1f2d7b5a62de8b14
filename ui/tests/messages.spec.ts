import { calls, expect, item, open, roomItem, test, write } from "./desk";
import type { Locator, Page } from "@playwright/test";

/** What one may do with a message, once the pointer is over it. */
async function menu(page: Page, message: Locator, entry: string): Promise<void> {
  await message.hover();
  await message.getByTestId("message-menu").click();
  await page.getByTestId(entry).click();
}

test("a reaction is put under a message, joined, and taken back", async ({ page }) => {
  await open(page, "studio");
  await write(page, "Rope is in.");
  const message = item(page, "Rope is in.");
  await expect(message).toHaveAttribute("data-state", "accepted");
  await message.hover();
  await message.getByTestId("quick-emoji").first().click();
  const chip = message.getByTestId("reaction");
  await expect(chip).toHaveAttribute("data-count", "1");
  await expect(chip).toHaveAttribute("title", "👍 by you");
  await chip.click();
  await expect(chip).toHaveCount(0);

  await message.hover();
  const pick = message.getByTestId("pick-emoji");
  await pick.click();
  await expect(page.getByTestId("emoji-picker")).toBeVisible();
  await pick.click();
  await expect(page.getByTestId("emoji-picker")).toHaveCount(0);
  await message.hover();
  await pick.click();
  await page.getByTestId("emoji-input").fill("tada");
  await page.getByTestId("emoji-input").press("Enter");
  await expect(chip).toHaveAttribute("data-emoji", "🎉");
  // What was used last is offered first.
  await message.hover();
  await expect(message.getByTestId("quick-emoji").first()).toHaveText("🎉");
});

test("an edit shows at once, and how it read before on a click", async ({ page }) => {
  await open(page, "studio");
  await write(page, "Meet at fuor.");
  await expect(item(page, "Meet at fuor.")).toHaveAttribute("data-state", "accepted");
  await page.getByTestId("composer-input").press("ArrowUp");
  await page.getByTestId("composer-input").fill("Meet at four.");
  await page.getByTestId("composer-input").press("Enter");
  const message = item(page, "Meet at four.");
  await message.getByTestId("edited").click();
  await expect(page.getByTestId("message-details").getByTestId("version")).toHaveCount(1);
  await expect(page.getByTestId("reach")).toContainText("of 23");
});

test("a message is deleted once that is confirmed", async ({ page }) => {
  await open(page, "studio");
  await write(page, "Wrong room, sorry.");
  const message = item(page, "Wrong room, sorry.");
  await expect(message).toHaveAttribute("data-state", "accepted");
  await menu(page, message, "menu-delete");
  await expect(page.getByTestId("delete-sheet")).toContainText("Wrong room, sorry.");
  await page.getByTestId("delete-confirm").click();
  await expect(message).toHaveCount(0);
  await expect(item(page, "Message deleted").last()).toBeVisible();
});

test("others' messages offer no edit and no delete", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const message = item(page, "Looks right to me.");
  await message.hover();
  await message.getByTestId("message-menu").click();
  await expect(page.getByTestId("menu-pin")).toBeVisible();
  await expect(page.getByTestId("menu-edit")).toHaveCount(0);
  await expect(page.getByTestId("menu-delete")).toHaveCount(0);
});

test("an answer quotes, and the quote leads back", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const asked = item(page, "Who took the calibration kit?");
  await asked.hover();
  await asked.getByTestId("reply").click();
  await expect(page.getByTestId("answering")).toContainText("Who took the calibration kit?");
  await write(page, "It is on bench 4 now.");
  const answer = item(page, "It is on bench 4 now.");
  await expect(answer.getByTestId("quote")).toContainText("Who took the calibration kit?");
  await answer.getByTestId("quote").click();
  await expect(page.locator(".lit")).toContainText("Who took the");
  expect(await calls(page, "post")).toMatchObject([{ text: "It is on bench 4 now." }]);
});

test("a thread is read and answered in the drawer", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const replies = page.getByTestId("replies");
  await expect(replies).toHaveAttribute("data-count", "3");
  await expect(replies).toHaveAttribute("data-unread", "1");
  await expect(item(page, "Is that the mean of all ten")).toHaveCount(0);
  await replies.click();
  const thread = page.getByTestId("thread");
  await expect(thread.getByTestId("item")).toHaveCount(4);
  await expect(replies).toHaveAttribute("data-unread", "0");
  await page.getByTestId("thread-input").fill("Agreed.");
  await page.getByTestId("thread-input").press("Enter");
  await expect(thread).toContainText("Agreed.");
  await expect(replies).toHaveAttribute("data-count", "4");
  await expect(page.getByTestId("timeline")).not.toContainText("Agreed.");
});

test("the core is told what is on the screen: the room, the thread, or both", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const told = () => calls(page, "look").then((looks) => looks.at(-1));
  const some: unknown = expect.any(String);
  await expect.poll(told).toMatchObject({ room: some, thread: null, focused: true });
  await page.getByTestId("replies").click();
  await expect.poll(told).toMatchObject({ room: some, thread: some });
  // A window with room for one of them.
  await page.setViewportSize({ width: 480, height: 800 });
  await expect.poll(told).toMatchObject({ room: null, thread: some });
  await page.keyboard.press("Escape");
  await expect.poll(told).toMatchObject({ room: some, thread: null });
});

test("what is new in threads is found from the head of the room", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("open-threads").click();
  const waiting = page.getByTestId("unread-thread");
  await expect(waiting).toContainText("This is what the rig reports");
  await waiting.getByTestId("replies").click();
  await expect(page.getByTestId("thread").getByTestId("item")).toHaveCount(4);
  await expect(page.getByTestId("open-threads")).toHaveCount(0);
});

test("a pinned message stands in the list, which leads to it", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await expect(page.getByTestId("open-pins")).toHaveText("1");
  await menu(page, item(page, "Looks right to me."), "menu-pin");
  await page.getByTestId("open-pins").click();
  await expect(page.getByTestId("pinned")).toHaveCount(2);
  await page.getByTestId("pinned-go").first().click();
  await expect(page.locator(".lit")).toContainText("Looks right to me.");
});

test("a link to a message is copied, and opens it", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await menu(page, item(page, "Who took the calibration kit?"), "menu-link");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(/^landline:\/\/message\?space=/);
  await roomItem(page, "reading-list").click();
  await write(page, `See ${link}`);
  await page.locator(".prose a[href^='landline:']").click();
  await expect(page.getByTestId("room-name")).toHaveText("workshop");
  await expect(page.locator(".lit")).toContainText("Who took the");
  expect(await calls(page, "open_link")).toEqual([]);
});

test("what is marked unread stays so until the room is opened again", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const count = roomItem(page, "workshop").getByTestId("unread-count");
  // What is left is a reply in a thread, which was not read.
  await expect(count).toHaveAttribute("data-count", "1");
  await menu(page, item(page, "Looks right to me."), "menu-unread");
  await expect(count).toHaveAttribute("data-count", "2");
  await roomItem(page, "general").click();
  await expect(page.getByTestId("unread-section")).toContainText("workshop");
  await expect(count).toHaveAttribute("data-count", "2");
  await roomItem(page, "workshop").click();
  await expect(count).toHaveAttribute("data-count", "1");
});

test("rooms and emoji are completed by keyboard", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  await input.pressSequentially("see #read");
  await expect(page.getByTestId("completions")).toContainText("reading-list");
  await input.press("Enter");
  await expect(input).toHaveValue("see #reading-list ");
  await input.pressSequentially(":cof");
  await expect(page.getByTestId("completions")).toContainText(":coffee:");
  await input.press("Tab");
  await expect(input).toHaveValue("see #reading-list ☕ ");
  await input.press("Enter");
  await page.locator(".mention.room").last().click();
  await expect(page.getByTestId("room-name")).toHaveText("reading-list");
});

test("messages are gone through and answered by keyboard alone", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await expect(item(page, "Looks right to me.")).toBeVisible();
  await page.getByTestId("timeline").focus();
  await page.keyboard.press("ArrowUp");
  await expect(item(page, "Looks right to me.")).toBeFocused();
  await expect(page.getByTestId("message-actions")).toBeVisible();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("t");
  await expect(page.getByTestId("thread")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByTestId("timeline").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("r");
  await expect(page.getByTestId("answering")).toContainText("Looks right to me.");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("answering")).toHaveCount(0);
});
