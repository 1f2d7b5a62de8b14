// What all browser tests share: opening a scene, names of things, the rules every page keeps.

import { test as base, expect, type Locator, type Page } from "@playwright/test";
// Declares `window.landline`, the invented world.
import type {} from "../src/main.fake";
import type { SceneName } from "../src/backend/fake/scene";

export { expect };

/** Fails a test in whose page anything went wrong, or was refused by the security policy. */
export const test = base.extend<{ clean: undefined }>({
  clean: [
    async ({ page }, use) => {
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
      });
      await use(undefined);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});

export async function open(page: Page, scene: SceneName, more = ""): Promise<void> {
  await page.goto(`/fake.html?scene=${scene}${more}`);
  await expect(page.locator("main").first()).toBeVisible();
}

/** A room of the sidebar. */
export function roomItem(page: Page, name: string): Locator {
  return page.locator(`[data-testid=room-list-item][data-room-name="${name}"]`);
}

/** An item of the timeline that has this text in it. */
export function item(page: Page, text: string): Locator {
  return page.getByTestId("item").filter({ hasText: text });
}

export async function write(page: Page, text: string): Promise<void> {
  await page.getByTestId("composer-input").fill(text);
  await page.getByTestId("composer-input").press("Enter");
}

/** Hosts a new space, from any screen. */
export async function hosts(page: Page, name: string): Promise<void> {
  const add = page.getByTestId("add-space");
  const host = page.getByTestId("host-button");
  await expect(add.or(host).first()).toBeVisible();
  if (await add.isVisible()) await add.click();
  await host.click();
  await page.getByTestId("host-name").fill(name);
  await page.getByTestId("host-confirm").click();
  await expect(page.getByTestId("invitation-sheet")).toContainText(name);
}

/** Turns hosting off in the scene `new`, and leaves the space. */
export async function leavesHosted(page: Page): Promise<void> {
  await page.evaluate(() => {
    const [studio] = window.landline.hosting;
    if (!studio) throw new Error("nothing is hosted");
    window.landline.setHosting(studio.space, false);
    window.landline.leave(studio.space);
  });
  await expect(page.getByTestId("hosted-before")).toBeVisible();
}

/** Somebody scrolls the room to here. Told of at once: no change of the rows comes in between. */
export async function scrollTo(page: Page, top: number): Promise<void> {
  await expect(page.getByTestId("item").first()).toBeAttached();
  await page.getByTestId("timeline").evaluate((view, top) => {
    view.scrollTop = top;
    view.dispatchEvent(new Event("scroll"));
  }, top);
}

/** Somebody scrolls the room by so much. */
export async function scrollBy(page: Page, by: number): Promise<void> {
  await page.getByTestId("timeline").evaluate((view, by) => {
    view.scrollTop += by;
    view.dispatchEvent(new Event("scroll"));
  }, by);
}

/**
 * What an element says from now on, one after the other: its text, or this attribute. Some of it
 * stands for a moment only, which a busy machine may be over before anybody looks.
 */
export async function said(of: Locator, attribute = ""): Promise<() => Promise<string[]>> {
  const said = await of.evaluateHandle((element, attribute) => {
    const now = () => (attribute ? element.getAttribute(attribute) : element.textContent) ?? "";
    const said = [now()];
    new MutationObserver(() => {
      if (now() !== said.at(-1)) said.push(now());
    }).observe(element, {
      attributes: attribute !== "",
      characterData: true,
      childList: true,
      subtree: true,
    });
    return said;
  }, attribute);
  return () => said.jsonValue();
}

/** What was asked of the core under this name so far. */
export function calls(page: Page, name: string): Promise<unknown[]> {
  return page.evaluate(
    (wanted) =>
      window.landline.calls.filter((call) => call.name === wanted).map(({ request }) => request),
    name,
  );
}
