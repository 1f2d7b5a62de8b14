// Events that are no messages, in a sentence each.

import type { Content } from "../backend/gen/Content";
import type { Item } from "../backend/gen/Item";
import type { RoomChanged } from "../backend/gen/RoomChanged";
import { t } from "../i18n/t";
import { nameOf } from "../store/select";
import type { Space } from "../store/state";

export function systemWords(space: Space, item: Item): string {
  if (item.body.kind !== "system") return "";
  return words(space, nameOf(space, item.author), item.body.content);
}

function words(space: Space, who: string, content: Content): string {
  switch (content.type) {
    case "room_created":
      // Made by the node, which is nobody among the people.
      if (content.everyone === true) return t("system.for_everyone", { space: space.view.name });
      return t("system.room_created", { who });
    case "room_changed":
      return changeWords(who, content);
    case "joined":
      return t("system.joined", { who });
    case "left":
      return t("system.left", { who });
    case "invited":
      return t("system.invited", { who, whom: nameOf(space, content.member) });
    case "removed":
      return t("system.removed", { who, whom: nameOf(space, content.member) });
    // Those of the directory, which is no room, and those that change a message.
    case "message":
    case "edit":
    case "delete":
    case "reaction":
    case "pin":
    case "space_created":
    case "admitted":
    case "profile":
    case "role":
    case "muted":
    case "banned":
    case "settings":
    case "unknown":
      return "";
  }
}

function changeWords(who: string, { name, topic, archived }: RoomChanged): string {
  if (name != null) return t("system.renamed", { who, name });
  if (topic != null) {
    return topic === "" ? t("system.topic_cleared", { who }) : t("system.topic", { who, topic });
  }
  return archived === true ? t("system.archived", { who }) : t("system.unarchived", { who });
}
