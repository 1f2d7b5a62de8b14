import { calls, expect, hosts, leavesHosted, open, roomItem, test } from "./desk";

test("two clicks to the first message, under a name that is filled in and selected", async ({
  page,
}) => {
  await open(page, "first");
  const name = page.getByTestId("name-input");
  await expect(name).toBeFocused();
  await expect(name).toHaveValue("Mira Solberg");
  await page.keyboard.type("Mira");
  await page.locator("[data-space-name=Studio]").getByTestId("nearby-join").click();
  await expect(page.getByTestId("composer-input")).toBeFocused();
  await expect(page.getByTestId("room-name")).toHaveText("general");
  expect(await calls(page, "set_name")).toEqual([{ name: "Mira" }]);
});

test("without a name nothing is joined, and the name is asked for", async ({ page }) => {
  await open(page, "first");
  await page.getByTestId("name-input").fill("   ");
  await page.getByTestId("nearby-join").first().click();
  await expect(page.getByText("Type a name first.")).toBeVisible();
  await expect(page.getByTestId("name-input")).toBeFocused();
  expect(await calls(page, "join")).toEqual([]);
});

test("a space with a passcode asks for it, says when it is wrong, and opens", async ({ page }) => {
  await open(page, "first");
  await page.locator("[data-space-name='Field office Nord']").getByTestId("nearby-join").click();
  const passcode = page.getByTestId("passcode-input");
  await expect(passcode).toBeFocused();
  await passcode.fill("ebb");
  await passcode.press("Enter");
  await expect(page.getByRole("alert")).toContainText("not the passcode");
  await passcode.fill("tide");
  await passcode.press("Enter");
  await expect(roomItem(page, "general")).toBeVisible();
});

test("an address that does not answer is said where it was typed", async ({ page }) => {
  await open(page, "alone");
  await expect(page.getByTestId("nearby-none")).toContainText("Wi-Fi");
  await page.getByTestId("join-address").fill("10.0.0.9:7717");
  await page.getByTestId("join-address").press("Enter");
  await expect(page.getByRole("alert")).toContainText("10.0.0.9:7717");
  await page.getByTestId("join-address").fill(" 192.168.1.20:7717 ");
  await page.getByTestId("join-address-button").click();
  await expect(roomItem(page, "general")).toBeVisible();
});

test("hosting leads to a room with an invitation sheet that has the address", async ({ page }) => {
  await open(page, "alone");
  await page.getByTestId("host-button").click();
  await page.getByTestId("host-name").fill("Harbour");
  await page.getByTestId("host-confirm").click();
  await expect(page.getByTestId("invitation-sheet")).toContainText("Harbour");
  await expect(page.getByTestId("invite-address")).toHaveText("192.168.1.20:7717");
  await expect(page.getByTestId("connection-line")).toContainText("hosted on this computer");
  await expect(page.getByTestId("composer-input")).toBeFocused();
});

test("a space that was hosted here and left is hosted again, which leads into it", async ({
  page,
}) => {
  await open(page, "new");
  await leavesHosted(page);
  const before = page.getByTestId("hosted-before");
  await expect(before).toContainText("Studio");
  await before.getByTestId("host-again").click();
  await expect(page.getByTestId("composer-input")).toBeFocused();
  await expect(page.getByTestId("connection-line")).toContainText("hosted on this computer");
  await expect(page.getByTestId("hosting-line")).toBeVisible();
  await page.getByTestId("add-space").click();
  await expect(page.getByTestId("host-button")).toBeVisible();
  await expect(before).toHaveCount(0);
});

test("while another space is hosted, one that was left waits and says for which", async ({
  page,
}) => {
  await open(page, "new");
  await leavesHosted(page);
  await hosts(page, "Harbour");
  await page.getByTestId("add-space").click();
  const before = page.getByTestId("hosted-before");
  await expect(before).toContainText("This computer hosts Harbour now: stop that first.");
  await expect(before.getByTestId("host-again")).toBeDisabled();
});

test("a space that can not be hosted again says why", async ({ page }) => {
  await open(page, "new");
  await leavesHosted(page);
  // Meanwhile, in another window.
  await page.evaluate(() => {
    const [studio] = window.landline.hosting;
    if (studio)
      window.landline.hosting = [studio, { ...studio, space: "x", name: "Quay", on: true }];
  });
  await page.getByTestId("host-again").click();
  await expect(page.getByTestId("hosted-before").getByRole("alert")).toHaveText(
    "this computer hosts Quay: stop that first",
  );
});

test("hosting with a passcode needs one", async ({ page }) => {
  await open(page, "alone");
  await page.getByTestId("host-button").click();
  await page.getByTestId("host-name").fill("Harbour");
  await page.getByText("With a passcode").click();
  await page.getByTestId("host-confirm").click();
  await expect(page.getByRole("alert")).toContainText("Type a passcode");
  expect(await calls(page, "host")).toEqual([]);
  await page.getByTestId("host-passcode").fill("tide");
  await page.getByTestId("host-confirm").click();
  await expect(page.getByTestId("invitation-sheet")).toBeVisible();
});

test("the invitation sheet goes once there is something to read", async ({ page }) => {
  await open(page, "new");
  await expect(page.getByTestId("invitation-sheet")).toBeVisible();
  await page.evaluate(() => {
    for (let n = 0; n < 40; n += 1) window.landline.receive("general", `message ${n}`);
  });
  await expect(page.getByTestId("invitation-sheet")).toHaveCount(0);
});
