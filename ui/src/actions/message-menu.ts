// What the menu of a message offers: only what would not be refused.

import Copy from "@lucide/svelte/icons/copy";
import EyeOff from "@lucide/svelte/icons/eye-off";
import Info from "@lucide/svelte/icons/info";
import Link from "@lucide/svelte/icons/link";
import Pencil from "@lucide/svelte/icons/pencil";
import Pin from "@lucide/svelte/icons/pin";
import PinOff from "@lucide/svelte/icons/pin-off";
import Trash2 from "@lucide/svelte/icons/trash-2";
import type { App } from "../app.svelte";
import type { RoomView } from "../backend/gen/RoomView";
import { t } from "../i18n/t";
import { messageLink } from "../lib/message-link";
import { summary } from "../lib/files";
import { copyText } from "../lib/prose";
import { isMine, type MessageItem } from "../store/select";
import type { Space } from "../store/state";
import type { MenuItem } from "../lib/menu";
import { pin } from "./messages";
import { markUnread } from "./rooms";

/** Characters of a message that is to be deleted, shown where one is asked whether it should. */
const SHOWN_CHARS = 200;

export function messageMenu(app: App, space: Space, room: RoomView, item: MessageItem): MenuItem[] {
  const id = space.view.space;
  const { body, seq } = item;
  const mine = isMine(item, space.view.me);
  const accepted = seq !== null;
  const may = (on: boolean, entry: MenuItem): MenuItem[] => (on ? [entry] : []);
  const composer = body.thread === null ? app.composer : app.threadComposer;
  return [
    ...may(mine && room.may.write, {
      label: t("action.edit"),
      icon: Pencil,
      testid: "menu-edit",
      run: () => composer?.edit(item),
    }),
    ...may(accepted && room.may.pin, {
      label: body.pinned ? t("message.unpin") : t("message.pin"),
      icon: body.pinned ? PinOff : Pin,
      testid: "menu-pin",
      run: () => void pin(app, id, room.room, item),
    }),
    ...may(body.text !== "", {
      label: t("message.copy_text"),
      icon: Copy,
      testid: "menu-copy",
      run: () => void copyText(body.text),
    }),
    ...may(accepted, {
      label: t("message.copy_link"),
      icon: Link,
      testid: "menu-link",
      run: () => void copyText(messageLink({ space: id, room: room.room, item: item.id })),
    }),
    ...may(seq !== null && body.thread === null && room.open, {
      label: t("message.mark_unread"),
      icon: EyeOff,
      testid: "menu-unread",
      run: () => void markUnread(app, id, room.room, seq ?? 1),
    }),
    ...may(accepted, {
      label: t("message.details"),
      icon: Info,
      testid: "menu-details",
      run: () => app.change({ event: "drawer", drawer: { kind: "message", item: item.id } }),
    }),
    ...may((mine && room.may.write) || (accepted && room.may.delete_others), {
      label: t("message.delete"),
      icon: Trash2,
      danger: true,
      testid: "menu-delete",
      run: () =>
        app.change({
          event: "dialog",
          dialog: {
            kind: "delete",
            room: room.room,
            item: item.id,
            text: summary(body).slice(0, SHOWN_CHARS),
          },
        }),
    }),
  ];
}
