// Every screen, in light, dark, narrow and right to left: free of accessibility faults as axe
// finds them, and kept as a picture in test-output/screens.

import axe from "axe-core";
import type { Page } from "@playwright/test";
import type { SceneName } from "../src/backend/fake/scene";
import { expect, item, leavesHosted, open, roomItem, scrollTo, test, write } from "./desk";

interface Screen {
  name: string;
  scene: SceneName;
  show?: (page: Page) => Promise<void>;
}

const by = (id: string) => (page: Page) => page.getByTestId(id).first().click();

const SCREENS: Screen[] = [
  { name: "first run", scene: "first" },
  { name: "first run, nobody near", scene: "alone" },
  { name: "first run, hosted here before", scene: "new", show: leavesHosted },
  { name: "host sheet", scene: "first", show: by("host-button") },
  {
    name: "passcode",
    scene: "first",
    show: async (page) => {
      await page.getByTestId("nearby-join").nth(1).click();
      await page.getByTestId("passcode-input").fill("wrong");
      await page.getByTestId("passcode-confirm").click();
      await expect(page.getByRole("alert")).toBeVisible();
    },
  },
  { name: "new space", scene: "new" },
  { name: "room", scene: "studio" },
  {
    name: "workshop",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await expect(page.locator(".hljs-keyword").first()).toBeAttached();
    },
  },
  {
    name: "offline with a queue",
    scene: "offline",
    show: async (page) => {
      await write(page, "The crane is free again.");
      await write(page, "I bring the *long* cable.");
      await write(page, "See you at four.");
      await expect(page.getByTestId("queue-line")).toHaveAttribute("data-count", "3");
    },
  },
  {
    name: "failed message",
    scene: "studio",
    show: async (page) => {
      await page.evaluate(() => window.landline.refuseNext("you are muted here until 16:00"));
      await write(page, "Can somebody open the gate?");
      await expect(page.getByTestId("item-failed")).toBeVisible();
    },
  },
  {
    name: "typing and ticks",
    scene: "studio",
    show: async (page) => {
      await write(page, "Rope is in.");
      await expect(item(page, "Rope is in.")).toHaveAttribute("data-ticks", "read");
      await page.evaluate(() => window.landline.typing("general", 2, 3));
      await expect(page.getByTestId("typing-line")).toContainText("typing");
    },
  },
  {
    name: "message actions",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await item(page, "Looks right to me.").hover();
      await page.getByTestId("message-menu").click();
      await expect(page.getByTestId("menu-pin")).toBeVisible();
    },
  },
  {
    name: "emoji picker",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await item(page, "Me, back in an hour").hover();
      await page.getByTestId("pick-emoji").click();
      await expect(page.getByRole("option").first()).toBeVisible();
    },
  },
  {
    name: "thread",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await page.getByTestId("replies").click();
      await expect(page.getByTestId("thread").getByTestId("item")).toHaveCount(4);
    },
  },
  {
    name: "new in threads",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await page.getByTestId("open-threads").click();
      await expect(page.getByTestId("unread-thread")).toHaveCount(1);
    },
  },
  {
    name: "pins",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await page.getByTestId("open-pins").click();
      await expect(page.getByTestId("pinned")).toHaveCount(1);
    },
  },
  {
    name: "message details",
    scene: "studio",
    show: async (page) => {
      await page.getByTestId("edited").last().click();
      await expect(page.getByTestId("version")).toHaveCount(1);
    },
  },
  {
    name: "room details",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await page.getByTestId("open-details").click();
    },
  },
  {
    name: "people of a room",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "budget-2027").click();
      await page.getByTestId("room-people").click();
      await expect(page.getByTestId("drawer").getByTestId("person")).toHaveCount(4);
    },
  },
  {
    name: "leave a room",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await page.getByTestId("open-details").click();
      await page.getByTestId("leave-room").click();
    },
  },
  {
    name: "write to people",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await page.getByTestId("write-to").click();
      await page.getByTestId("people-input").fill("o");
    },
  },
  {
    name: "status",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await page.getByTestId("presence-menu").click();
      await page.getByTestId("open-status").click();
    },
  },
  {
    name: "pictures",
    scene: "files",
    show: async (page) => {
      await scrollTo(page, 0);
      await expect(page.locator("[data-name='pier.jpg'] img")).toHaveClass(/drawn/);
    },
  },
  {
    name: "files on their way",
    scene: "files",
    show: async (page) => {
      await page.locator("[data-name='survey.zip']").scrollIntoViewIfNeeded();
      await expect(page.getByTestId("transfer-words").first()).toBeVisible();
    },
  },
  {
    name: "sound and film",
    scene: "files",
    show: async (page) => {
      await page.locator("[data-name='bell.wav']").scrollIntoViewIfNeeded();
      await expect(page.getByTestId("sound")).toContainText("1:00");
    },
  },
  {
    name: "viewer",
    scene: "files",
    show: async (page) => {
      await page.locator("[data-testid=picture][data-name='rope.jpg']").click();
      await expect(page.getByTestId("viewer").locator("img")).toHaveClass(/drawn/);
    },
  },
  {
    name: "viewer, fetching",
    scene: "files",
    show: async (page) => {
      await page.locator("[data-testid=picture][data-name='panorama.jpg']").click();
      await expect(page.getByTestId("viewer").getByTestId("transfer-pause")).toBeVisible();
    },
  },
  {
    name: "refused over a picture",
    scene: "files",
    show: async (page) => {
      await page.evaluate(() => (window.landline.files.saveRefusal = "the disk is full"));
      await page.locator("[data-testid=picture][data-name='rope.jpg']").click();
      await expect(page.getByTestId("viewer").locator("img")).toHaveClass(/drawn/);
      await page.getByTestId("viewer").getByTestId("file-save").click();
      await expect(page.getByTestId("notice")).toBeVisible();
    },
  },
  {
    name: "attached",
    scene: "studio",
    show: async (page) => {
      const png = await page.screenshot({ clip: { x: 0, y: 0, width: 320, height: 240 } });
      const input = page.getByTestId("file-input").first();
      await page.evaluate(
        () => (window.landline.files.refusal = "larger than 2 GB, the most here"),
      );
      await input.setInputFiles([
        { name: "film.mov", mimeType: "video/quicktime", buffer: Buffer.alloc(10) },
        { name: "the desk.png", mimeType: "image/png", buffer: png },
        { name: "readings, second draft.xlsx", mimeType: "", buffer: Buffer.alloc(123_456) },
        { name: "readme", mimeType: "", buffer: Buffer.alloc(12) },
      ]);
      await expect(page.getByTestId("attachment")).toHaveCount(3);
      await expect(page.getByTestId("attachment").locator("img")).toBeVisible();
    },
  },
  {
    name: "drop",
    scene: "studio",
    show: async (page) => {
      const dataTransfer = await page.evaluateHandle(() => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "x.txt"));
        return data;
      });
      await page.getByTestId("timeline").dispatchEvent("dragenter", { dataTransfer });
      await page.getByTestId("timeline").dispatchEvent("dragover", { dataTransfer });
      await expect(page.getByTestId("drop-zone")).toBeVisible();
    },
  },
  {
    name: "answering",
    scene: "studio",
    show: async (page) => {
      await openList(page);
      await roomItem(page, "workshop").click();
      await item(page, "Looks right to me.").hover();
      await page.getByTestId("reply").click();
    },
  },
  { name: "another key", scene: "refused" },
  {
    name: "search",
    scene: "studio",
    show: async (page) => {
      await page.keyboard.press("Control+Shift+F");
      await page.getByTestId("search-input").fill("matrix");
      await expect(page.getByTestId("search-hit").first()).toBeVisible();
    },
  },
  { name: "people", scene: "studio", show: by("room-people") },
  { name: "details", scene: "studio", show: by("open-details") },
  { name: "settings", scene: "studio", show: inList("open-settings") },
  { name: "settings, importing", scene: "studio", show: importing("settings") },
  { name: "import, a file chosen", scene: "studio", show: importing("chosen") },
  { name: "import, under way", scene: "studio", show: importing("running") },
  { name: "import, stopped", scene: "studio", show: importing("stopped") },
  { name: "import, done", scene: "studio", show: importing("done") },
  { name: "new room", scene: "studio", show: inList("create-room") },
  { name: "find a room", scene: "studio", show: inList("browse-rooms") },
  { name: "menu of the space", scene: "studio", show: inList("space-menu") },
  { name: "presence menu", scene: "studio", show: inList("presence-menu") },
  { name: "host panel", scene: "new", show: inList("hosting-line") },
  {
    name: "host panel, another is hosted",
    scene: "new",
    show: async (page) => {
      await page.evaluate(() => {
        const { landline } = window;
        const [studio] = landline.hosting;
        if (!studio) throw new Error("nothing is hosted");
        landline.setHosting(studio.space, false);
        const harbour = { ...studio, space: "harbour", name: "Harbour" };
        landline.hosting = [{ ...studio, on: false }, harbour];
        landline.emit({ event: "hosting", hosting: landline.hosting });
      });
      await inList("space-menu")(page);
      await page.getByTestId("open-hosting").click();
      await expect(page.getByTestId("hosting-other")).toBeVisible();
    },
  },
  {
    name: "leaving what one hosts",
    scene: "new",
    show: async (page) => {
      await inList("space-menu")(page);
      await page.getByRole("menuitem", { name: "Leave on this computer" }).click();
    },
  },
  { name: "palette", scene: "studio", show: (page) => page.keyboard.press("Control+K") },
  { name: "keys", scene: "studio", show: (page) => page.keyboard.press("Control+/") },
  { name: "add a space", scene: "studio", show: inList("add-space") },
];

const LOOKS = [
  { look: "wide", width: 1160, dir: "ltr", schemes: ["light", "dark"] },
  { look: "narrow", width: 400, dir: "ltr", schemes: ["light"] },
  { look: "right to left", width: 1160, dir: "rtl", schemes: ["light"] },
] as const;

for (const { look, width, dir, schemes } of LOOKS) {
  test.describe(look, () => {
    // What fades by itself, as the line of unread messages does, would fade under axe's eyes.
    const contextOptions = { reducedMotion: "reduce" } as const;
    test.use({ viewport: { width, height: 760 }, contextOptions });

    for (const { name, scene, show } of SCREENS) {
      test(name, async ({ page }) => {
        await open(page, scene, dir === "rtl" ? "&dir=rtl" : "");
        await show?.(page);
        for (const colorScheme of schemes) {
          await page.emulateMedia({ colorScheme });
          await expect(page.locator("html")).toHaveAttribute("data-theme", colorScheme);
          await settled(page);
          await page.screenshot({
            path: `test-output/screens/${name}, ${look} ${colorScheme}.png`,
          });
          expect(await faults(page)).toEqual([]);
        }
      });
    }
  });
}

/** On a narrow window the sidebar is behind a button. */
async function openList(page: Page): Promise<void> {
  const button = page.getByTestId("show-list");
  if (await button.isVisible()) await button.click();
}

function inList(id: string) {
  return async (page: Page) => {
    await openList(page);
    await page.getByTestId(id).first().click();
  };
}

/** The sheet of an import, at a stage of it; or the settings meanwhile. */
function importing(until: "settings" | "chosen" | "running" | "stopped" | "done") {
  return async (page: Page) => {
    await page.evaluate((done) => {
      window.landline.promote();
      window.landline.imports.moves = done;
    }, until === "done");
    await inList("open-settings")(page);
    await page.getByTestId("import-choose").click();
    if (until === "chosen") return;
    await page.getByTestId("import-start").click();
    if (until === "done") {
      await expect(page.getByTestId("import-report")).toBeVisible();
      return;
    }
    await expect(page.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "50");
    if (until === "running") return;
    if (until === "stopped") {
      await page.getByTestId("import-cancel").click();
      await expect(page.getByTestId("import-stopped")).toBeVisible();
      return;
    }
    await page.keyboard.press("Escape");
    await page.getByTestId("open-settings").click();
    await page.getByTestId("import-said").scrollIntoViewIfNeeded();
  };
}

/** Nothing moves or fades any more: colours are what they stay. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    const ends = document
      .getAnimations()
      .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
      .map((one) => one.finished.catch(() => undefined));
    await Promise.all(ends);
  });
}

async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const results = await window.axe.run(document);
    return results.violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
    );
  });
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}
