import type { Page } from "@playwright/test";
import { expect, open, roomItem, test } from "./desk";

/** The person is an admin, and looks at the settings. */
async function openSettings(page: Page): Promise<void> {
  await open(page, "studio");
  await page.evaluate(() => window.landline.promote());
  await page.getByTestId("open-settings").click();
}

async function choose(page: Page): Promise<void> {
  await openSettings(page);
  await page.getByTestId("import-choose").click();
  await expect(page.getByTestId("import-sheet")).toBeVisible();
}

function into(page: Page): Promise<(string | null)[]> {
  return page.evaluate(() => window.landline.imports.into);
}

test("a plain member is told who may import", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("open-settings").click();
  await expect(page.getByTestId("import-why-not")).toContainText(
    "Only the owner and the admins of",
  );
  await expect(page.getByTestId("import-choose")).toHaveCount(0);
});

test("an export comes in, by keyboard alone, and what came of it is told", async ({ page }) => {
  await openSettings(page);
  await page.getByTestId("import-choose").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("import-kind")).toHaveText("Export of Slack");
  await expect(page.getByTestId("import-start")).toBeFocused();
  await page.evaluate(() => (window.landline.imports.moves = false));
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("import-progress")).toContainText("% of the file read");
  await page.evaluate(() => (window.landline.imports.moves = true));
  const report = page.getByTestId("import-report");
  await expect(report.getByRole("heading").first()).toBeFocused();
  await expect(report).toContainText("12,915 messages came into 7 rooms");
  expect(await into(page)).toEqual([null]);
  await expect(report.getByTestId("import-facts")).toHaveText(/12 were there before.*1,207 edits/);
  await expect(report.getByTestId("import-rooms")).toHaveText(/general\s*8,114.*random\s*12/);
  const refused = report.getByTestId("import-refused").getByRole("listitem");
  await expect(refused.first()).toHaveText(/^budget-2027, with 41 messages: .*archived/);
  await expect(refused).toHaveText([
    /^budget/,
    "a text has at most 16 KiB (8 times)",
    "a message of general has no time: `ts` (16 times)",
    "and 1,006 more",
  ]);
  const leftOut = report.getByTestId("import-left-out").getByRole("listitem");
  await expect(leftOut.nth(1)).toHaveText(/2 private rooms and direct messages\s*leads, @Ana Lind/);
  await page.getByTestId("import-open").click();
  await expect(page.getByTestId("import-sheet")).toHaveCount(0);
  await expect(page.getByTestId("room-name")).toHaveText("general");
});

test("what is refused is told by its lines, a few of them, and reasons beyond the tenth by their number", async ({
  page,
}) => {
  await openSettings(page);
  await page.evaluate(() => {
    const { imports } = window.landline;
    imports.about = { name: "talk.jsonl", kind: "lines", room: "talk" };
    const message = (line: number) => (line <= 6 ? "too long" : `no author at ${line}`);
    const code = "bad_request";
    const lines = Array.from({ length: 20 }, (_, index) => 1 + index);
    const refusals = lines.map((line) => ({ line, code, message: message(line) }) as const);
    const nothing = { rooms: [], room: null, name: null, refused_rooms: [], left_out: [] };
    imports.report = { ...imports.report, ...nothing, imported: 0, refused: 20, refusals };
  });
  await page.getByTestId("import-choose").click();
  await expect(page.getByTestId("import-as-named")).toBeChecked();
  await page.getByTestId("import-start").click();
  await expect(page.getByTestId("import-report")).toContainText("Nothing new was in talk.jsonl");
  const refused = page.getByTestId("import-refused").getByRole("listitem");
  await expect(refused).toHaveCount(11);
  await expect(refused.nth(0)).toHaveText("Lines 1, 2, 3, 4 and 2 more: too long");
  await expect(refused.nth(1)).toHaveText("Line 7: no author at 7");
  await expect(refused.nth(10)).toHaveText("and 5 more");
  await expect(page.getByTestId("import-open")).toHaveCount(0);
});

test("an import that is cancelled keeps what is in, and goes on when it is told to", async ({
  page,
}) => {
  await choose(page);
  await page.evaluate(() => (window.landline.imports.moves = false));
  await page.getByTestId("import-one-room").check({ force: true });
  await page.getByTestId("import-start").click();
  await expect(page.getByRole("alert")).toHaveText("Name the room first.");
  await page.getByTestId("import-room").fill(" archive ");
  await page.getByTestId("import-start").click();
  await expect(page.getByTestId("import-progress")).toContainText("6,458 messages are in");
  await expect(page.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "50");
  await expect(page.getByTestId("import-cancel")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("import-stopped")).toContainText("6,458 messages are in, and stay");
  await page.evaluate(() => (window.landline.imports.moves = true));
  await expect(page.getByTestId("import-room")).toHaveValue("archive");
  await expect(page.getByTestId("import-start")).toHaveText("Go on");
  await page.getByTestId("import-start").click();
  await expect(page.getByTestId("import-report")).toBeVisible();
  expect(await into(page)).toEqual(["archive", "archive"]);
});

test("an import goes on while its sheet is closed, and is found again in the settings", async ({
  page,
}) => {
  await choose(page);
  await page.evaluate(() => (window.landline.imports.moves = false));
  await page.getByTestId("import-start").click();
  await expect(page.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "50");
  await page.keyboard.press("Escape");
  await roomItem(page, "workshop").click();
  await page.getByTestId("open-settings").click();
  await expect(page.getByTestId("import-said")).toContainText("6,458 messages so far");
  // One at a time.
  await expect(page.getByTestId("import-choose")).toHaveCount(0);
  await page.evaluate(() => (window.landline.imports.moves = true));
  await expect(page.getByTestId("import-said")).toHaveText("guild export.zip was imported.");
  await page.getByTestId("import-show").click();
  await expect(page.getByTestId("import-report")).toBeVisible();
});

test("what can't be imported is told where it was chosen, and what ends an import in its sheet", async ({
  page,
}) => {
  await openSettings(page);
  await page.evaluate(() => {
    const message = "crane.jpg can't be imported: no line of it is a message";
    window.landline.imports.notOffered = { code: "bad_request", message };
  });
  await page.getByTestId("import-choose").click();
  await expect(page.getByTestId("import-not-offered")).toContainText("crane.jpg can't be imported");
  await page.evaluate(() => {
    const { imports } = window.landline;
    imports.notOffered = null;
    imports.refusal = { code: "unavailable", message: "Studio can't be reached now" };
  });
  await page.getByTestId("import-choose").click();
  await page.getByTestId("import-start").click();
  await expect(page.getByTestId("import-stopped")).toContainText("Studio can't be reached now");
  await expect(page.getByTestId("import-stopped")).toContainText("6,458 messages are in, and stay");
  await page.getByTestId("import-start").click();
  await expect(page.getByTestId("import-report")).toBeVisible();
});

test("lines that name no room ask for one", async ({ page }) => {
  await openSettings(page);
  await page.evaluate(() => {
    window.landline.imports.about = { name: "talk.jsonl.gz", kind: "lines", room: null };
  });
  await page.getByTestId("import-choose").click();
  await expect(page.getByTestId("import-room")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toHaveText("Name the room first.");
  await page.keyboard.type("talk");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("import-report")).toBeVisible();
  expect(await into(page)).toEqual(["talk"]);
});
