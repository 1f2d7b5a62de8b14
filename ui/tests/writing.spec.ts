import { calls, expect, item, open, roomItem, said, test, write } from "./desk";

test("a message goes from queued over one tick and two to read, in one place", async ({ page }) => {
  await open(page, "studio");
  await page.evaluate(() => window.landline.offline());
  await write(page, "The crane is free.");
  const message = item(page, "The crane is free.");
  await expect(message).toHaveAttribute("data-state", "queued");
  await expect(message).toHaveAttribute("data-ticks", "queued");
  await message.evaluate((element) => element.setAttribute("data-same", "yes"));
  const ticks = await said(message, "data-ticks");
  await page.evaluate(() => window.landline.online());
  await expect(message).toHaveAttribute("data-state", "accepted");
  await expect.poll(ticks).toEqual(["queued", "node", "delivered", "read"]);
  await expect(message.getByRole("img")).toHaveAttribute(
    "title",
    "Delivered to 1 of 23, read by 1\nRead by Ana Lindqvist",
  );
  await expect(message).toHaveAttribute("data-same", "yes");
});

test("offline one writes on: the queue is told, kept in order, and goes out once", async ({
  page,
}) => {
  await open(page, "offline");
  await expect(page.getByTestId("connection-line")).toContainText("Looking for Studio… last seen");
  await expect(page.getByTestId("queue-line")).toContainText("sent when Ana’s desk is back");
  for (const text of ["one of three", "two of three", "three of three"]) await write(page, text);
  await expect(page.getByTestId("queue-line")).toHaveText("3 queued, sent when Ana’s desk is back");
  await expect(page.getByTestId("queue-count")).toHaveAttribute("data-count", "3");
  await page.getByTestId("connect-now").click();
  const sent = page.locator("[data-testid=item][data-mine=true][data-state=accepted]");
  await expect(sent).toHaveText([/one of three/, /two of three/, /three of three/]);
  await expect(page.getByTestId("queue-line")).toHaveCount(0);
});

test("Up edits the last message that is still queued; Esc leaves it as it was", async ({
  page,
}) => {
  await open(page, "offline");
  await write(page, "Meet at fuor.");
  await expect(item(page, "Meet at fuor.")).toHaveAttribute("data-state", "queued");
  const input = page.getByTestId("composer-input");
  await input.press("ArrowUp");
  await expect(page.getByTestId("editing")).toBeVisible();
  await expect(input).toHaveValue("Meet at fuor.");
  await input.press("Escape");
  await expect(input).toHaveValue("");
  await input.press("ArrowUp");
  await input.fill("Meet at four.");
  await input.press("Enter");
  await expect(item(page, "Meet at four.")).toHaveAttribute("data-state", "queued");
  await expect(item(page, "Meet at fuor.")).toHaveCount(0);
  expect(await calls(page, "post")).toHaveLength(1);
});

test("a refused message says why, and can be tried again, edited or discarded", async ({
  page,
}) => {
  await open(page, "studio");
  const refuse = () => page.evaluate(() => window.landline.refuseNext("you are muted here"));
  await refuse();
  await write(page, "Open the gate?");
  const failed = page.locator("[data-testid=item][data-state=failed]");
  await expect(failed).toContainText("Not sent: you are muted here");
  await refuse();
  await failed.getByTestId("item-retry").click();
  await expect(failed).toContainText("Not sent");
  await failed.getByTestId("item-edit").click();
  await page.getByTestId("composer-input").fill("Open the gate, please?");
  await page.getByTestId("composer-input").press("Enter");
  await expect(item(page, "Open the gate, please?")).toHaveAttribute("data-state", "accepted");

  await refuse();
  await write(page, "Never mind");
  await failed.getByTestId("item-discard").click();
  await expect(item(page, "Never mind")).toHaveCount(0);
});

test("Enter sends, Shift+Enter breaks, and the setting swaps them", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  await input.pressSequentially("one");
  await input.press("Shift+Enter");
  await input.pressSequentially("two");
  await expect(input).toHaveValue("one\ntwo");
  await input.press("Enter");
  await expect(input).toHaveValue("");

  await page.getByTestId("open-settings").click();
  await page.getByRole("switch", { name: "Enter sends" }).click();
  await page.keyboard.press("Escape");
  await input.pressSequentially("three");
  await input.press("Enter");
  await expect(input).toHaveValue("three\n");
  await input.press("Control+Enter");
  await expect(input).toHaveValue("");
  const texts = (await calls(page, "post")).map((one) => (one as { text: string }).text);
  expect(texts).toEqual(["one\ntwo", "three"]);
});

test("the composer grows with the text to 40 % of the window, then scrolls", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  const height = async () => (await page.locator("form.composer").boundingBox())?.height ?? 0;
  const empty = await height();
  await input.fill("line\n".repeat(4));
  expect(await height()).toBeGreaterThan(empty + 60);
  await input.fill("line\n".repeat(80));
  expect(await height()).toBeLessThan(760 * 0.4 + 30);
  await expect(page.getByTestId("composer-send")).toBeInViewport();
});

test("a draft waits in its room, and is told in the sidebar", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  await input.fill("Half a thou");
  await roomItem(page, "workshop").click();
  await expect(page.getByTestId("room-name")).toHaveText("workshop");
  await expect(input).toHaveValue("");
  await expect(roomItem(page, "general")).toContainText("draft");
  await roomItem(page, "general").click();
  await expect(input).toHaveValue("Half a thou");
  await roomItem(page, "Ana Lindqvist").click();
  await expect(input).toHaveValue("Tomorrow at nine?");
});

test("what was typed in a thread waits there, and is kept for the next start", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const replies = page.getByTestId("replies");
  await replies.click();
  const input = page.getByTestId("thread-input");
  await input.fill("Ten, and the");
  await expect(replies).not.toContainText("draft");
  await page.getByTestId("close-drawer").click();
  await expect(replies).toContainText("draft");
  await roomItem(page, "general").click();
  await expect(page.getByTestId("composer-input")).toHaveValue("");
  await roomItem(page, "workshop").click();
  await replies.click();
  await expect(input).toHaveValue("Ten, and the");
  const saved = await calls(page, "save_draft");
  expect(saved).toMatchObject([{ text: "Ten, and the" }]);
  expect((saved[0] as { thread: string | null }).thread).not.toBeNull();
  await input.fill("Ten, and the mean of them.");
  await input.press("Enter");
  await page.getByTestId("close-drawer").click();
  await expect(replies).not.toContainText("draft");
});

test("an edit waits in its room, with the message that was begun before it", async ({ page }) => {
  await open(page, "studio");
  await write(page, "Meet at fuor.");
  const message = item(page, "Meet at fuor.");
  await expect(message).toHaveAttribute("data-state", "accepted");
  const input = page.getByTestId("composer-input");
  await input.fill("By the way");
  await message.focus();
  await page.keyboard.press("e");
  await expect(input).toHaveValue("Meet at fuor.");
  await input.fill("Meet at four, at the gate.");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(page.getByTestId("room-name")).toHaveText("budget-2027");
  await expect(input).toHaveValue("");
  await expect(page.getByTestId("editing")).toHaveCount(0);
  await expect(roomItem(page, "general")).toContainText("draft");
  await page.keyboard.press("Alt+ArrowUp");
  await expect(page.getByTestId("editing")).toBeVisible();
  await expect(input).toHaveValue("Meet at four, at the gate.");
  await input.press("Enter");
  await expect(item(page, "Meet at four, at the gate.")).toBeVisible();
  await expect(page.getByTestId("editing")).toHaveCount(0);
  await expect(input).toHaveValue("By the way");
  expect(await calls(page, "edit")).toMatchObject([{ text: "Meet at four, at the gate." }]);
});

test("what one answers is remembered with the answer that was begun", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const asked = item(page, "Who took the calibration kit?");
  await asked.hover();
  await asked.getByTestId("reply").click();
  const input = page.getByTestId("composer-input");
  await input.fill("It is on bench 4.");
  await roomItem(page, "general").click();
  await expect(page.getByTestId("answering")).toHaveCount(0);
  await roomItem(page, "workshop").click();
  await expect(page.getByTestId("answering")).toContainText("Who took the calibration kit?");
  await expect(input).toHaveValue("It is on bench 4.");
  await input.press("Enter");
  await expect(item(page, "It is on bench 4.").getByTestId("quote")).toBeVisible();
});

test("an edit in a thread waits behind the closed drawer", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  const replies = page.getByTestId("replies");
  await replies.click();
  const input = page.getByTestId("thread-input");
  await input.fill("Make it eleven.");
  await input.press("Enter");
  const reply = page.getByTestId("thread").getByTestId("item").filter({ hasText: "eleven" });
  await expect(reply).toHaveAttribute("data-state", "accepted");
  await input.press("ArrowUp");
  await input.fill("Make it twelve.");
  await page.getByTestId("close-drawer").click();
  await expect(replies).toContainText("draft");
  await replies.click();
  await expect(page.getByTestId("thread").getByTestId("editing")).toBeVisible();
  await expect(input).toHaveValue("Make it twelve.");
});

test("a refused reply is edited in its thread", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("replies").click();
  await page.evaluate(() => window.landline.refuseNext("you are muted here"));
  const input = page.getByTestId("thread-input");
  await input.fill("Agreed.");
  await input.press("Enter");
  await page.getByTestId("thread").getByTestId("item-edit").click();
  await expect(input).toHaveValue("Agreed.");
  await expect(input).toBeFocused();
  await expect(page.getByTestId("composer-input")).toHaveValue("");
});

test("a reply from a notification that could not be sent comes back, and it is said why", async ({
  page,
}) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  await input.fill("By the way");
  const unsent = (name: string, text: string, draft: string) =>
    page.evaluate(
      ([name, text, draft]) => {
        const { spaces } = window.landline;
        for (const [space, { rooms }] of spaces) {
          for (const [room, { view }] of rooms) {
            if (view.name !== name) continue;
            const refusal = { code: "too_large", message: `${name} is archived` } as const;
            const about = { space, room, thread: null, text, draft, refusal };
            window.landline.emit({ event: "unsent", ...about });
          }
        }
      },
      [name, text, draft] as const,
    );
  await unsent("general", "From noon on.", "From noon on.");
  await expect(input).toHaveValue("By the way\nFrom noon on.");
  await expect(page.getByText("general is archived")).toBeVisible();
  await unsent("workshop", "So am I.", "Well.\nSo am I.");
  await expect(input).toHaveValue("By the way\nFrom noon on.");
  await roomItem(page, "workshop").click();
  await expect(input).toHaveValue("Well.\nSo am I.");
  await roomItem(page, "general").click();
  await expect(input).toHaveValue("By the way\nFrom noon on.");
});

test("a text over the limit is not sent, and says by how much", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  await input.fill("é".repeat(8 * 1024 + 2));
  await expect(page.getByRole("alert")).toHaveText("2 characters too long");
  await input.press("Enter");
  expect(await calls(page, "post")).toEqual([]);
});

test("people are completed by keyboard, and mentioned", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  await input.pressSequentially("@de");
  await expect(page.getByTestId("completions")).toContainText("Deniz Aydın");
  await input.press("Enter");
  await expect(input).toHaveValue("@Deniz Aydın ");
  await input.pressSequentially("look");
  await input.press("Enter");
  const [posted] = (await calls(page, "post")) as { text: string; mentions: string[] }[];
  expect(posted?.text).toBe("@Deniz Aydın look");
  expect(posted?.mentions).toHaveLength(1);
  await expect(item(page, "@Deniz Aydın look").locator(".mention")).toHaveText("@Deniz Aydın");
});

test("a face that is typed is sent as it stands", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  // Once all emoji are here, they are offered at once.
  await input.pressSequentially(":cof");
  await expect(page.getByTestId("completions")).toBeVisible();
  await input.fill("");
  await input.pressSequentially("thanks :-D");
  await expect(page.getByTestId("completions")).toHaveCount(0);
  await input.press("Enter");
  expect(await calls(page, "post")).toMatchObject([{ text: "thanks :-D" }]);
});

test("Enter that confirms Japanese does not send", async ({ page }) => {
  await open(page, "studio");
  const input = page.getByTestId("composer-input");
  await input.fill("こんにちは");
  // As WebKit tells of it: the composing is over, and only the code says whose key it was.
  const confirmed = { key: "Enter", keyCode: 229, bubbles: true, cancelable: true };
  await input.dispatchEvent("keydown", confirmed);
  await expect(input).toHaveValue("こんにちは");
  expect(await calls(page, "post")).toEqual([]);
  await input.press("Enter");
  expect(await calls(page, "post")).toMatchObject([{ text: "こんにちは" }]);
});

test("the emoji button opens and closes its picker; Esc gives the focus back", async ({ page }) => {
  await open(page, "studio");
  const button = page.getByTestId("composer-emoji");
  const picker = page.getByTestId("emoji-picker");
  const input = page.getByTestId("composer-input");
  await button.click();
  await expect(page.getByTestId("emoji-input")).toBeFocused();
  await button.click();
  await expect(picker).toHaveCount(0);
  await expect(input).toBeFocused();
  await button.click();
  await page.keyboard.press("Escape");
  await expect(picker).toHaveCount(0);
  await expect(input).toBeFocused();
  await button.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("emoji-input")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(button).toBeFocused();
});

test("the room hears that one types, and that one stopped", async ({ page }) => {
  const start = new Date("2026-11-21T12:00:00+01:00");
  await page.clock.install({ time: start });
  await open(page, "studio");
  // It is told once a second: on a busy machine five keys may take longer.
  await page.clock.pauseAt(start.getTime() + 60 * 60_000);
  await page.getByTestId("composer-input").pressSequentially("hello", { delay: 20 });
  expect(await calls(page, "typing")).toEqual([expect.objectContaining({ on: true })]);
  await page.clock.resume();
  await page.getByTestId("composer-input").press("Enter");
  await expect
    .poll(() => calls(page, "typing"))
    .toContainEqual(expect.objectContaining({ on: false }));
});
