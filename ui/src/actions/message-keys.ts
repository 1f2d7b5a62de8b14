// Keys of a message that has the focus.

import type { App } from "../app.svelte";
import type { RoomView } from "../backend/gen/RoomView";
import { isMine, type MessageItem } from "../store/select";
import type { Space } from "../store/state";
import { quickEmoji, react } from "./messages";
import { openThread } from "./rooms";

/** Does what the key asks for; answers whether it asks for anything. */
export function messageKey(
  app: App,
  space: Space,
  room: RoomView,
  item: MessageItem,
  inThread: boolean,
  key: string,
): boolean {
  const composer = inThread ? app.threadComposer : app.composer;
  const accepted = item.seq !== null && !item.body.deleted;
  const mine = isMine(item, space.view.me) && !item.body.deleted;
  switch (key) {
    case "ArrowUp":
    case "ArrowDown":
      return stepMessage(key === "ArrowDown" ? 1 : -1);
    case "r":
      if (!accepted || !room.may.write) return false;
      composer?.reply(item);
      return true;
    case "e":
      if (!mine || !room.may.write) return false;
      composer?.edit(item);
      return true;
    case "t":
      if (!accepted || inThread) return false;
      void openThread(app, space.view.space, room.room, item.id);
      return true;
    case "+":
      if (!accepted || !room.may.write) return false;
      void react(app, space, room.room, item, quickEmoji(app)[0] ?? "👍");
      return true;
    default:
      return false;
  }
}

/** Moves the focus to the next message, or the one before; answers whether there is one. */
export function stepMessage(step: 1 | -1): boolean {
  const from = document.activeElement;
  const region = from?.closest("[data-region]");
  const items = Array.from(region?.querySelectorAll<HTMLElement>("[data-testid=item]") ?? []);
  const at = items.findIndex((item) => item === from);
  const next = at < 0 ? items.at(-1) : items[at + step];
  next?.focus();
  return next !== undefined;
}
