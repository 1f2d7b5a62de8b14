// Puts a message into the page, and what belongs to it: copying of code, its colours, links that
// open outside.

import type { Attachment } from "svelte/attachments";
import { t } from "../i18n/t";
import { render, type Named } from "./markup";

/** How long a button says that it has copied, in milliseconds. */
const COPIED_MS = 1_500;

/**
 * `openLink` is called instead of following a link: the window itself never goes anywhere.
 * `openRoom` where a room is named.
 */
export function prose(
  text: string,
  named: readonly Named[],
  openLink: (url: string) => void,
  openRoom: (name: string) => void,
): Attachment<HTMLElement> {
  return (element) => {
    element.replaceChildren(render(text, named));
    for (const block of element.querySelectorAll("pre")) dress(block);
    for (const room of element.querySelectorAll<HTMLElement>(".mention.room")) {
      room.tabIndex = 0;
      room.setAttribute("role", "link");
    }
    const roomAt = (event: Event) =>
      event.target instanceof Element ? event.target.closest(".mention.room") : null;
    const enter = (event: KeyboardEvent) => {
      const room = roomAt(event);
      if (room && event.key === "Enter") openRoom(room.textContent.slice(1));
    };
    const follow = (event: MouseEvent) => {
      // The third button follows, too; the second asks for a menu.
      if (event.type === "auxclick" && event.button !== 1) return;
      const room = roomAt(event);
      if (room) openRoom(room.textContent.slice(1));
      const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
      const url = link?.getAttribute("href");
      if (url == null) return;
      event.preventDefault();
      openLink(url);
    };
    element.addEventListener("click", follow);
    element.addEventListener("auxclick", follow);
    element.addEventListener("keydown", enter);
    return () => {
      element.removeEventListener("click", follow);
      element.removeEventListener("auxclick", follow);
      element.removeEventListener("keydown", enter);
    };
  };
}

function dress(block: HTMLPreElement): void {
  const code = block.querySelector("code");
  if (!code) return;
  const frame = document.createElement("div");
  frame.className = "code-block";
  block.replaceWith(frame);
  frame.append(block, copyButton(code));
  // Long lines scroll, so the keyboard must get there.
  block.tabIndex = 0;
  const language = /^language-(.+)$/.exec(code.className)?.[1];
  if (language !== undefined) void colour(code, language);
}

async function colour(code: HTMLElement, language: string): Promise<void> {
  const { highlight } = await import("./highlight");
  const coloured = highlight(code.textContent, language);
  if (coloured) code.replaceChildren(coloured);
}

function copyButton(code: HTMLElement): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = t("action.copy");
  button.addEventListener("click", () => {
    void copyText(code.textContent).then((copied) => {
      if (!copied) return;
      button.textContent = t("action.copied");
      setTimeout(() => (button.textContent = t("action.copy")), COPIED_MS);
    });
  });
  return button;
}

/** Answers whether the text is on the clipboard. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
