import { calls, expect, hosts, item, open, roomItem, test } from "./desk";

test("a room is created and opened; a name that is taken is said", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("create-room").click();
  await page.getByTestId("create-room-name").fill("workshop");
  await page.getByTestId("create-room-confirm").click();
  await expect(page.getByRole("alert")).toContainText("workshop");
  await page.getByTestId("create-room-name").fill("harbour");
  await page.getByTestId("create-room-confirm").click();
  await expect(page.getByTestId("room-name")).toHaveText("harbour");
  await expect(roomItem(page, "harbour")).toHaveAttribute("aria-current", "page");
});

test("a public room is found and joined", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("browse-rooms").click();
  await expect(page.getByTestId("browsed-room")).toHaveCount(2);
  await page.getByTestId("browse-rooms-filter").fill("field");
  await expect(page.getByTestId("browsed-room")).toHaveCount(1);
  await page.getByTestId("join-room").click();
  await expect(page.getByTestId("room-name")).toHaveText("field-notes");
});

test("a person is one click from a direct room", async ({ page }) => {
  await open(page, "studio");
  await page.locator("[data-testid=person][data-name='Goro Tanaka']").click();
  await expect(page.getByTestId("room-name")).toHaveText("Goro Tanaka");
  await page.locator("[data-testid=person][data-name='Ana Lindqvist']").click();
  await expect(item(page, "Are you still at the harbour?")).toBeVisible();
  expect(await calls(page, "create_room")).toHaveLength(1);
});

test("unread messages count in the sidebar; a mention is loud", async ({ page }) => {
  await open(page, "studio");
  const count = roomItem(page, "reading-list").getByTestId("unread-count");
  await page.evaluate(() => window.landline.receive("reading-list", "New book in"));
  await expect(count).toHaveAttribute("data-count", "1");
  await expect(count).not.toHaveClass(/loud/);
  await page.evaluate(() => window.landline.receive("reading-list", "@Mira Solberg for you"));
  await expect(count).toHaveAttribute("data-count", "2");
  await expect(count).toHaveClass(/loud/);
  await expect(page).toHaveTitle(/^\(\d+\) Studio/);
});

test("without a connection nobody is shown as there", async ({ page }) => {
  await open(page, "studio");
  await expect(page.locator("[data-testid=presence-dot][data-state=online]").first()).toBeVisible();
  await page.evaluate(() => window.landline.offline());
  await expect(page.locator("[data-testid=presence-dot]:not([data-state=offline])")).toHaveCount(0);
});

test("a room one was removed from stays readable, without a composer", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("open-details").click();
  await page.getByTestId("leave-room").click();
  await page.getByTestId("leave-keep").click();
  await expect(page.getByText("You are no longer in this room.")).toBeVisible();
  await expect(item(page, "Looks right to me.")).toBeVisible();
  await expect(page.getByTestId("composer-input")).toHaveCount(0);
  await page.getByTestId("forget-room").click();
  await expect(roomItem(page, "workshop")).toHaveCount(0);
});

test("who leaves and deletes sees no more of the room", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("open-details").click();
  await page.getByTestId("leave-room").click();
  await page.getByTestId("leave-forget").click();
  await expect(roomItem(page, "workshop")).toHaveCount(0);
  await expect(page.getByTestId("room-name")).toHaveText("general");
});

test("a private room is made with the people who are to be in it", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("create-room").click();
  await page.getByTestId("create-room-name").fill("surprise");
  await page.getByText("Invited people", { exact: true }).click();
  await page.getByTestId("people-input").fill("goro");
  await page.getByTestId("people-input").press("Enter");
  await expect(page.getByTestId("chosen-person")).toHaveText("Goro Tanaka");
  await page.getByTestId("create-room-confirm").click();
  await expect(page.getByTestId("room-name")).toHaveText("surprise");
  const [asked] = (await calls(page, "create_room")) as { kind: string; members: string[] }[];
  expect(asked?.kind).toBe("private");
  expect(asked?.members).toHaveLength(1);
});

test("several people are written to in one direct room", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("write-to").click();
  for (const name of ["Goro", "Hana"]) {
    await page.getByTestId("people-input").fill(name);
    await page.getByTestId("people-input").press("Enter");
  }
  await page.getByTestId("write-to-confirm").click();
  await expect(page.getByTestId("room-name")).toHaveText("Goro Tanaka, Hana Novák");
});

test("a room is renamed, its topic set, archived and brought back", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("open-details").click();
  await page.getByTestId("edit-name").click();
  await page.getByTestId("room-name-input").fill("yard");
  await page.getByTestId("room-name-save").click();
  await expect(page.getByTestId("room-name")).toHaveText("yard");
  await page.getByTestId("edit-topic").click();
  await page.getByTestId("room-topic-input").fill("Cranes");
  await page.getByTestId("room-topic-save").click();
  await expect(page.getByTestId("system-line").last()).toContainText("set the topic: Cranes");
  await page.getByTestId("archive-room").click();
  await expect(page.getByTestId("composer-input")).toHaveCount(0);
  await page.getByTestId("unarchive-room").click();
  await expect(page.getByTestId("composer-input")).toBeVisible();
});

test("a room is saved as a page, all of the space for programs, and what was saved is said", async ({
  page,
}) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("open-details").click();
  await page.getByTestId("export-page").click();
  await expect(page.getByTestId("export-said")).toContainText(/[1-9]\d* messages? w/);
  await page.getByTestId("open-settings").click();
  const sheet = page.getByTestId("settings-sheet");
  await sheet.getByTestId("export-lines").click();
  await expect(sheet.getByTestId("export-said")).toContainText(/[1-9]\d* messages were saved/);
});

test("people are invited, and removed again", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "budget-2027").click();
  await page.getByTestId("room-people").click();
  await expect(page.getByTestId("drawer").getByTestId("person")).toHaveCount(4);
  await page.getByTestId("invite-people").click();
  await page.getByTestId("people-input").fill("hana");
  await page.getByTestId("people-input").press("Enter");
  await page.getByTestId("invite-confirm").click();
  await expect(page.getByTestId("system-line").last()).toContainText("invited Hana Novák");
  await page.getByTestId("person-menu").first().click();
  await page.getByTestId("remove-person").click();
  await expect(page.getByTestId("system-line").last()).toContainText("removed");
});

test("a room that is silent stands with the others and counts quietly", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("open-details").click();
  await page.getByText("Nothing", { exact: true }).click();
  await roomItem(page, "general").click();
  await page.evaluate(() => window.landline.receive("workshop", "@Mira Solberg for you"));
  await expect(roomItem(page, "workshop").getByTestId("unread-count")).not.toHaveClass(/loud/);
  await expect(page.getByTestId("unread-section")).not.toContainText("workshop");
});

test("leaving a space asks first, then leads back to the first screen", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("space-menu").click();
  await page.getByRole("menuitem", { name: "Leave on this computer" }).click();
  await page.getByTestId("leave-space-sure").click();
  await expect(page.getByTestId("nearby-space").first()).toBeVisible();
});

test("a space that one hosts is not left before hosting is off", async ({ page }) => {
  await open(page, "new");
  await page.getByTestId("space-menu").click();
  await page.getByRole("menuitem", { name: "Leave on this computer" }).click();
  const question = page.getByRole("alertdialog");
  await expect(question).toContainText("This computer hosts Studio: stop hosting it");
  await expect(page.getByTestId("leave-space-sure")).toHaveCount(0);
  await page.getByTestId("leave-space-hosting").click();
  await page.getByTestId("host-panel").getByTestId("hosting-switch").click();
  await page.keyboard.press("Escape");
  await expect(question).toContainText("Leave Studio on this computer?");
  await expect(question).toContainText("you can host it again");
  await page.getByTestId("leave-space-sure").click();
  await expect(page.getByTestId("host-button")).toBeVisible();
});

test("the host panel is about the space that is open, and says which other one is hosted", async ({
  page,
}) => {
  await open(page, "new");
  const panel = page.getByTestId("host-panel");
  await page.getByTestId("hosting-line").click();
  await panel.getByTestId("hosting-switch").click();
  await page.keyboard.press("Escape");
  await hosts(page, "Harbour");

  await page.getByTestId("rail-space").first().click();
  await page.getByTestId("space-menu").click();
  await page.getByTestId("open-hosting").click();
  await expect(panel).toContainText("Hosting Studio");
  await expect(panel).toContainText("This computer hosts Harbour now. Stop that first");
  await expect(panel.getByTestId("hosting-switch")).toHaveCount(0);
  await page.keyboard.press("Escape");

  await page.getByTestId("rail-space").nth(1).click();
  await page.getByTestId("hosting-line").click();
  await expect(panel).toContainText("Hosting Harbour");
  await panel.getByTestId("hosting-switch").click();
  await page.keyboard.press("Escape");
  await page.getByTestId("rail-space").first().click();
  await page.getByTestId("space-menu").click();
  await page.getByTestId("open-hosting").click();
  await panel.getByTestId("hosting-switch").click();
  await expect(panel.getByTestId("host-address")).toHaveText("192.168.1.20:7717");
  const [studio, harbour] = await page.evaluate(() =>
    window.landline.hosting.map(({ space }) => space),
  );
  expect(await calls(page, "set_hosting")).toEqual([
    { space: studio, on: false },
    { space: harbour, on: false },
    { space: studio, on: true },
  ]);
});

test("hosting that was turned off can be turned on again", async ({ page }) => {
  await open(page, "new");
  for (const on of [false, true]) {
    await page.getByTestId("space-menu").click();
    await page.getByTestId("open-hosting").click();
    await page.getByTestId("host-panel").getByTestId("hosting-switch").click();
    await expect(page.getByTestId("hosting-line")).toHaveCount(on ? 1 : 0);
    await page.keyboard.press("Escape");
  }
});

test("somebody new sees the room for everyone though it is archived", async ({ page }) => {
  await open(page, "archived");
  await expect(page.getByTestId("room-name")).toHaveText("general");
  await expect(page.getByTestId("room")).toContainText("archived");
  await expect(page.getByTestId("item").last()).toBeVisible();
});

test("presence is chosen at the foot", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("presence-menu").click();
  await page.getByTestId("presence-dnd").click();
  await expect(page.getByTestId("presence-menu")).toContainText("do not disturb");
  expect(await calls(page, "set_presence")).toEqual([{ state: "dnd", text: "" }]);
});

test("theme, density and text size take hold at once", async ({ page }) => {
  await open(page, "studio");
  await page.getByTestId("open-settings").click();
  await page.getByText("Dark", { exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByText("Compact", { exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-density", "compact");
  await page.getByTestId("text-larger").click();
  await expect(page.locator("html")).toHaveCSS("font-size", "17.6px");
});

test.describe("on a narrow window", () => {
  test.use({ viewport: { width: 400, height: 760 } });

  test("there is one pane at a time", async ({ page }) => {
    await open(page, "studio");
    await expect(page.getByTestId("composer-input")).toBeInViewport();
    await expect(roomItem(page, "workshop")).toBeHidden();
    await page.getByTestId("show-list").click();
    await roomItem(page, "workshop").click();
    await expect(page.getByTestId("room-name")).toHaveText("workshop");
    await expect(roomItem(page, "workshop")).toBeHidden();
  });
});
