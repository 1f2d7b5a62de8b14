// What is said of a file on its way.

import { hostName } from "../../actions/messages";
import type { TransferView } from "../../backend/gen/TransferView";
import { t } from "../../i18n/t";
import { size } from "../../lib/bytes";
import type { Space } from "../../store/state";

export function wordsOf(space: Space, transfer: TransferView): string {
  const { state, way, done, bytes, words } = transfer;
  const far = { done: size(done), of: size(bytes) };
  switch (state) {
    case "waiting": {
      if (space.view.link.state === "connected") return words ?? t("files.waiting");
      const host = hostName(space);
      return way === "up" ? t("files.waiting_up", { host }) : t("files.waiting_down", { host });
    }
    case "running":
      return t("files.progress", far);
    case "paused":
      return t("files.paused", far);
    case "failed":
      return words ?? t("files.failed");
    case "done":
      return far.of;
  }
}
