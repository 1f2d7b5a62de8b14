import type { Page } from "@playwright/test";
import { calls, expect, item, open, roomItem, said, scrollTo, test, write } from "./desk";

/** A file as a browser hands it to an input. */
function file(name: string, mimeType = "application/octet-stream", bytes = 1_200) {
  return { name, mimeType, buffer: Buffer.alloc(bytes, 7) };
}

async function attach(page: Page, ...files: ReturnType<typeof file>[]): Promise<void> {
  await page.getByTestId("file-input").first().setInputFiles(files);
}

function attachment(page: Page, name: string) {
  return page.locator(`[data-testid=attachment][data-name="${name}"]`);
}

/** A file of a message of this name, whatever it looks like. */
function card(page: Page, name: string) {
  return page.locator(`[data-testid=file-card][data-name="${name}"]`);
}

function picture(page: Page, name: string) {
  return page.locator(`[data-testid=picture][data-name="${name}"]`);
}

/** Whether what is being added gets on. */
async function adds(page: Page, on: boolean): Promise<void> {
  await page.evaluate((on) => (window.landline.files.adds = on), on);
}

/** Drags files over something, or drops them there, as the system would. */
async function drag(page: Page, over: string, kind: "dragover" | "drop", names: string[]) {
  const data = await page.evaluateHandle((names) => {
    const transfer = new DataTransfer();
    for (const name of names) transfer.items.add(new File(["dropped"], name));
    return transfer;
  }, names);
  const target = page.locator(over);
  await target.dispatchEvent("dragenter", { dataTransfer: data });
  await target.dispatchEvent("dragover", { dataTransfer: data });
  if (kind === "drop") await target.dispatchEvent("drop", { dataTransfer: data });
}

test("files go with a message, in the order in which they were chosen, without a text too", async ({
  page,
}) => {
  await open(page, "studio");
  await expect(page.getByTestId("composer-send")).toBeDisabled();
  await attach(page, file("one.bin"), file("two.bin"), file("three.bin"));
  await expect(page.getByTestId("attachment")).toHaveText([/one\.bin/, /two\.bin/, /three\.bin/]);
  await attachment(page, "two.bin").getByTestId("attachment-remove").click();
  await expect(page.getByTestId("attachment")).toHaveCount(2);
  await page.getByTestId("composer-send").click();
  await expect(page.getByTestId("attachment")).toHaveCount(0);
  const sent = page.locator("[data-testid=item][data-mine=true]").last();
  await expect(sent).toHaveAttribute("data-state", "accepted");
  await expect(sent.getByTestId("file-card")).toHaveText([/one\.bin/, /three\.bin/]);
  expect(await calls(page, "post")).toEqual([expect.objectContaining({ text: "" })]);
});

test("Enter while files are still being added sends them as soon as they are here", async ({
  page,
}) => {
  await open(page, "studio");
  await adds(page, false);
  await attach(page, file("one.bin"), file("two.bin"));
  await write(page, "Both of them.");
  await expect(page.getByTestId("sends-later")).toBeVisible();
  await adds(page, true);
  const sent = item(page, "Both of them.");
  await expect(sent.getByTestId("file-card")).toHaveText([/one\.bin/, /two\.bin/]);
  expect(await calls(page, "post")).toHaveLength(1);
});

test("a message that waits for its files goes while one is in another room", async ({ page }) => {
  await open(page, "studio");
  await adds(page, false);
  await attach(page, file("one.bin"));
  await write(page, "With its file.");
  await expect(page.getByTestId("sends-later")).toBeVisible();
  await roomItem(page, "workshop").click();
  await expect(page.getByTestId("sends-later")).toHaveCount(0);
  await expect(roomItem(page, "general")).toContainText("draft");
  await adds(page, true);
  await expect.poll(async () => (await calls(page, "post")).length).toBe(1);
  await expect(roomItem(page, "general")).not.toContainText("draft");
  await roomItem(page, "general").click();
  await expect(item(page, "With its file.").getByTestId("file-card")).toHaveText(/one\.bin/);
  await expect(page.getByTestId("composer-input")).toHaveValue("");
  expect(await calls(page, "post")).toHaveLength(1);
});

test("a message that waits for its files is not sent once one writes on, or says so", async ({
  page,
}) => {
  await open(page, "studio");
  await adds(page, false);
  const waits = page.getByTestId("sends-later");
  await attach(page, file("one.bin"));
  await write(page, "With its file.");
  await waits.getByRole("button").click();
  await expect(waits).toHaveCount(0);
  await page.getByTestId("composer-input").press("Enter");
  await expect(waits).toBeVisible();
  await page.getByTestId("composer-input").press("!");
  await expect(waits).toHaveCount(0);
  await adds(page, true);
  await expect(attachment(page, "one.bin")).toBeVisible();
  await expect(page.getByTestId("attachment-adding")).toHaveCount(0);
  await expect(page.getByTestId("composer-input")).toHaveValue("With its file.!");
  expect(await calls(page, "post")).toHaveLength(0);
});

test("a message that waits does not go without a file that was refused", async ({ page }) => {
  await open(page, "studio");
  await adds(page, false);
  await page.evaluate(() => (window.landline.files.refusal = "larger than 2 GB, the most here"));
  await attach(page, file("film.mov"));
  await write(page, "The film.");
  await expect(page.getByTestId("sends-later")).toBeVisible();
  await adds(page, true);
  await expect(page.getByTestId("attachment-problem")).toBeVisible();
  await expect(page.getByTestId("sends-later")).toHaveCount(0);
  await attach(page, file("small.txt"));
  await expect(attachment(page, "small.txt")).toBeVisible();
  expect(await calls(page, "post")).toHaveLength(0);
});

test("files that come while an older message is edited are refused in words", async ({ page }) => {
  await open(page, "studio");
  await write(page, "An older one.");
  await expect(item(page, "An older one.")).toHaveAttribute("data-state", "accepted");
  await page.getByTestId("composer-input").press("ArrowUp");
  await expect(page.getByTestId("editing")).toBeVisible();
  await drag(page, "[data-testid=timeline]", "drop", ["late.txt"]);
  await expect(page.getByTestId("not-taken")).toContainText("keeps the files it has");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("editing")).toHaveCount(0);
  await expect(page.getByTestId("not-taken")).toHaveCount(0);
  await expect(page.getByTestId("attachment")).toHaveCount(0);
  await drag(page, "[data-testid=timeline]", "drop", ["late.txt"]);
  await expect(attachment(page, "late.txt")).toBeVisible();
});

test("a file that is too large says so in words, and the others stay", async ({ page }) => {
  await open(page, "studio");
  await page.evaluate(() => (window.landline.files.refusal = "larger than 2 GB, the most here"));
  await attach(page, file("film.mov"), file("small.txt"));
  const problem = page.getByTestId("attachment-problem");
  await expect(problem).toHaveText(/film\.mov.*larger than 2 GB, the most here/s);
  await expect(attachment(page, "small.txt")).toBeVisible();
  await problem.getByTestId("attachment-remove").click();
  await expect(problem).toHaveCount(0);
});

test("more than ten files are not taken, and it is said", async ({ page }) => {
  await open(page, "studio");
  await attach(page, ...Array.from({ length: 12 }, (_, n) => file(`${n}.bin`)));
  await expect(page.getByTestId("attachment")).toHaveCount(10);
  await expect(page.getByTestId("attachment-problem")).toContainText("At most 10 files");
});

test("what is attached waits in its room, and is taken back where it could not be queued", async ({
  page,
}) => {
  await open(page, "studio");
  await attach(page, file("plan.pdf"));
  await expect(attachment(page, "plan.pdf")).toBeVisible();
  await roomItem(page, "workshop").click();
  await expect(page.getByTestId("attachment")).toHaveCount(0);
  await expect(roomItem(page, "general")).toContainText("draft");
  await roomItem(page, "general").click();
  await expect(attachment(page, "plan.pdf")).toBeVisible();
});

test("dropped files go to the room, and on a thread to the thread", async ({ page }) => {
  await open(page, "studio");
  await roomItem(page, "workshop").click();
  await page.getByTestId("replies").click();
  await expect(page.getByTestId("thread").getByTestId("item")).toHaveCount(4);

  await drag(page, "[data-testid=timeline]", "dragover", ["a.txt"]);
  await expect(page.getByTestId("drop-zone")).toHaveAttribute("data-pane", "room");
  await drag(page, "[data-testid=thread] >> nth=0", "dragover", ["a.txt"]);
  await expect(page.getByTestId("drop-zone")).toHaveAttribute("data-pane", "thread");
  await drag(page, "[data-testid=thread] >> nth=0", "drop", ["reply.txt"]);
  await expect(page.getByTestId("drop-zone")).toHaveCount(0);
  await expect(page.getByTestId("thread").getByTestId("attachment")).toHaveText(/reply\.txt/);
  await drag(page, "[data-testid=sidebar-foot], aside, nav >> nth=0", "drop", ["room.txt"]);
  await expect(page.getByTestId("room").getByTestId("attachment")).toHaveText(/room\.txt/);
});

test("a pasted picture is attached; pasted text with a picture of itself stays text", async ({
  page,
}) => {
  await open(page, "studio");
  const paste = (withText: boolean) =>
    page.getByTestId("composer-input").evaluate((input, text) => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "image.png", { type: "image/png" }));
      if (text) data.setData("text/plain", "cells");
      input.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
      );
    }, withText);
  await paste(true);
  await paste(false);
  await expect(page.getByTestId("attachment")).toHaveText(/image\.png/);
});

test("pictures have their space before they are here, and what one looks at stays put", async ({
  page,
}) => {
  await open(page, "files");
  await scrollTo(page, 0);
  const pier = picture(page, "pier.jpg");
  await expect(pier.locator("img")).toHaveClass(/drawn/);
  const box = await pier.boundingBox();
  expect((box?.width ?? 0) / (box?.height ?? 1)).toBeCloseTo(1.5, 1);
  const below = item(page, "A tall one");
  const before = (await below.boundingBox())?.y;
  await page.evaluate(() => window.landline.receive("general", "Something new below."));
  await expect(item(page, "Something new below.")).toBeAttached();
  expect((await below.boundingBox())?.y).toBe(before);
});

test("a press that began before the picture was drawn shows it too", async ({ page }) => {
  await open(page, "files");
  await page.evaluate(() => {
    const drawn = new Promise((draw) => addEventListener("draw", draw));
    for (const one of window.landline.files.known.values()) {
      const { make } = one;
      one.make = () => drawn.then(make);
    }
  });
  await scrollTo(page, 0);
  const pier = picture(page, "pier.jpg");
  await pier.hover();
  await page.mouse.down();
  await expect(pier.locator("canvas")).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event("draw")));
  await expect(pier.locator("img")).toHaveClass(/drawn/);
  await expect(pier.locator("canvas")).toHaveCount(0);
  await page.mouse.up();
  await expect(page.getByTestId("viewer")).toContainText("pier.jpg");
});

test("a small picture is fetched when it comes into view, a large one when it is to be shown", async ({
  page,
}) => {
  await open(page, "files");
  await page.evaluate(() => {
    const { files } = window.landline;
    files.moves = true;
    for (const one of files.known.values()) one.here = false;
  });
  await scrollTo(page, 0);
  await expect(picture(page, "pier.jpg")).toHaveAttribute("data-here", "true");
  const large = picture(page, "panorama.jpg");
  await large.scrollIntoViewIfNeeded();
  await expect(large).toContainText("31 MB");
  await expect(large).toHaveAttribute("data-here", "false");
  await large.click();
  await expect(page.getByTestId("viewer").locator("img")).toHaveClass(/drawn/);
  await page.keyboard.press("Escape");
  await expect(large).toHaveAttribute("data-here", "true");
  const fetched = (await calls(page, "fetch_file")) as { blake3: string }[];
  expect(new Set(fetched.map(({ blake3 }) => blake3)).size).toBe(fetched.length);
});

test("the viewer goes through the pictures by keys, keeps the focus, and gives it back", async ({
  page,
}) => {
  await open(page, "files");
  const rope = picture(page, "rope.jpg");
  await rope.click();
  const viewer = page.getByTestId("viewer");
  await expect(viewer).toBeVisible();
  await expect(viewer).toContainText("rope.jpg");
  await page.keyboard.press("ArrowRight");
  await expect(viewer).toContainText("buoy.jpg");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(viewer).toContainText("panorama.jpg");
  await page.keyboard.press("Home");
  await expect(page.getByTestId("viewer-count")).toHaveText("1 of 11");
  await page.keyboard.press("End");
  await expect(page.getByTestId("viewer-count")).toHaveText("11 of 11");
  for (let n = 0; n < 6; n += 1) {
    await page.keyboard.press("Tab");
    const inside = await viewer.evaluate(
      (dialog) =>
        document.activeElement === document.body || dialog.contains(document.activeElement),
    );
    expect(inside).toBe(true);
  }
  await viewer.getByTestId("file-save").click();
  await expect.poll(() => page.evaluate(() => window.landline.files.saved)).toEqual(["gulls.jpg"]);
  await page.keyboard.press("Escape");
  await expect(viewer).toHaveCount(0);
  await expect(rope).toBeFocused();
});

test("a picture of mine that is on its way can be paused where it is looked at", async ({
  page,
}) => {
  await open(page, "studio");
  await page.evaluate(() => window.landline.offline());
  const png = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 48 } });
  const mine = { name: "mine.png", mimeType: "image/png", buffer: png };
  await page.getByTestId("file-input").first().setInputFiles([mine]);
  await expect(attachment(page, "mine.png")).toBeVisible();
  await write(page, "A corner of it.");
  await picture(page, "mine.png").click();
  const viewer = page.getByTestId("viewer");
  await expect(viewer.locator("img")).toHaveClass(/drawn/);
  await expect(viewer).toContainText("Sent when Ana’s desk is back");
  await viewer.getByTestId("transfer-pause").click();
  await expect(viewer.getByTestId("transfer-resume")).toBeVisible();
});

test("in a viewer right to left the arrows go the other way", async ({ page }) => {
  await open(page, "files", "&dir=rtl");
  await picture(page, "rope.jpg").click();
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByTestId("viewer")).toContainText("buoy.jpg");
});

test("a picture that is deleted while one looks at it closes the viewer", async ({ page }) => {
  await open(page, "files");
  await picture(page, "rope.jpg").click();
  const id = await page
    .getByTestId("item")
    .filter({ has: picture(page, "rope.jpg") })
    .getAttribute("data-id");
  await page.evaluate((item) => {
    const [space] = window.landline.spaces.values();
    const room = space && [...space.rooms.values()].find(({ view }) => view.name === "general");
    if (!space || !room || item === null) return;
    window.landline.change(space.view.space, room, item, (body) => ({
      ...body,
      deleted: true,
      files: [],
    }));
  }, id);
  await expect(page.getByTestId("viewer")).toHaveCount(0);
});

test("a file on its way can be paused, gone on with, tried again and cancelled", async ({
  page,
}) => {
  await open(page, "files");
  const survey = card(page, "survey.zip");
  await survey.scrollIntoViewIfNeeded();
  await expect(survey.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "43");
  await survey.getByTestId("transfer-pause").click();
  await expect(survey).toHaveAttribute("data-state", "paused");
  await expect(survey).toContainText("Paused at 64 MB of 148 MB");
  const model = card(page, "model.step");
  await expect(model.getByTestId("transfer-words")).toHaveText(
    "This computer’s disk is full: 61 MB are needed",
  );
  await page.evaluate(() => (window.landline.files.moves = true));
  await survey.getByTestId("transfer-resume").click();
  await expect(survey).toHaveAttribute("data-here", "true");
  const save = survey.getByTestId("file-save");
  const told = await said(save);
  await save.click();
  await expect.poll(told).toContain("Saved");
  await model.getByTestId("transfer-retry").click();
  await expect(model).toHaveAttribute("data-here", "true");
  const tiles = card(page, "tiles.tar.gz");
  await tiles.getByTestId("transfer-cancel").click();
  await expect(tiles.getByTestId("file-save")).toBeVisible();
  await expect(tiles).toHaveAttribute("data-here", "false");
});

test("offline it says when a file is fetched, and when a queued one is sent", async ({ page }) => {
  await open(page, "studio");
  await page.evaluate(() => window.landline.offline());
  await attach(page, file("later.pdf"));
  await expect(attachment(page, "later.pdf")).toBeVisible();
  await write(page, "For when you are back.");
  await expect(card(page, "later.pdf")).toContainText("Sent when Ana’s desk is back");
  await page.evaluate(() => window.landline.online());
  await expect(item(page, "For when you are back.")).toHaveAttribute("data-state", "accepted");
  await expect(card(page, "later.pdf").getByRole("progressbar")).toHaveCount(0);
});

test("a sound and a film play", async ({ page }) => {
  await open(page, "files");
  const bell = card(page, "bell.wav");
  await bell.scrollIntoViewIfNeeded();
  await expect(bell).toContainText("1:00");
  await bell.getByTestId("sound-play").click();
  const sound = bell.getByTestId("sound");
  await expect(sound).toHaveAttribute("data-paused", "false");
  await expect.poll(async () => Number(await sound.getAttribute("data-at"))).toBeGreaterThan(0.2);
  await bell.getByTestId("sound-play").click();
  await expect(sound).toHaveAttribute("data-paused", "true");

  const film = page.getByTestId("film");
  await film.getByTestId("film-play").click();
  await expect
    .poll(() => film.locator("video").evaluate((video: HTMLVideoElement) => video.videoWidth))
    .toBe(640);
});

test("a film that can’t be played says so in its place and can be saved", async ({ page }) => {
  await open(page, "files");
  await page.evaluate(() => {
    const none = URL.createObjectURL(new Blob(["no film"], { type: "video/webm" }));
    for (const one of window.landline.files.known.values()) {
      // The window may have it already, or have asked for it.
      if (one.url !== undefined) URL.revokeObjectURL(one.url);
      Object.defineProperty(one, "url", { get: () => none, set: () => undefined });
    }
  });
  const film = page.getByTestId("film");
  const name = await film.getAttribute("data-name");
  await film.scrollIntoViewIfNeeded();
  const height = (await film.boundingBox())?.height;
  await film.getByTestId("film-play").click();
  await expect(film.getByTestId("film-not-played")).toContainText("Can’t be played here");
  expect((await film.boundingBox())?.height).toBe(height);
  await card(page, name ?? "")
    .getByTestId("file-save")
    .click();
  await expect.poll(() => page.evaluate(() => window.landline.files.saved)).toEqual([name]);
});

test("a message of files alone is told in words where there is one line", async ({ page }) => {
  await open(page, "files");
  await expect(page.getByTestId("quote")).toContainText("4 photos");
  await picture(page, "rope.jpg").hover();
  await page.getByTestId("reply").click();
  await expect(page.getByTestId("answering")).toContainText("Here are mine.");
});

test("a picture that can’t be shown says so and can be saved", async ({ page }) => {
  await open(page, "files");
  await page.evaluate(() => {
    for (const one of window.landline.files.known.values()) {
      delete one.url;
      one.make = () => Promise.resolve(new Blob(["no picture"], { type: "image/jpeg" }));
    }
  });
  await scrollTo(page, 0);
  const pier = picture(page, "pier.jpg");
  const box = await pier.boundingBox();
  await expect(pier).toContainText("Can’t be shown");
  expect(await pier.boundingBox()).toEqual(box);
  await pier.click();
  await expect.poll(() => page.evaluate(() => window.landline.files.saved)).toEqual(["pier.jpg"]);
});
