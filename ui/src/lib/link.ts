// How it stands with the connection, in one honest sentence.

import type { Refusal } from "../backend/gen/Refusal";
import type { SpaceView } from "../backend/gen/SpaceView";
import { t } from "../i18n/t";
import { briefTime } from "./time";

export function linkWords(view: SpaceView, now: number): string {
  const { name: space, link, hosted_here } = view;
  switch (link.state) {
    case "connected":
      if (link.catching_up !== null && link.catching_up > 0) {
        return t("link.catching_up", { count: link.catching_up });
      }
      if (hosted_here) return t("link.connected_here", { space });
      return link.host === null
        ? t("link.connected_plain", { space })
        : t("link.connected", { space, host: link.host });
    case "connecting":
      return t("link.connecting", { space });
    case "looking":
      return link.last_connected === null
        ? t("link.looking", { space })
        : t("link.looking_since", { space, time: briefTime(link.last_connected, now) });
    case "refused":
      return refusedWords(space, link.problem);
  }
}

function refusedWords(space: string, problem: Refusal | null): string {
  switch (problem?.code) {
    case "banned":
      return t("link.banned", { space });
    case "wrong_passcode":
      return t("link.wrong_passcode", { space });
    case "not_admitted":
    case "invite_invalid":
      return t("link.not_admitted", { space });
    case "bad_signature":
      return t("link.bad_key", { space });
    case "unsupported_protocol":
      return t("link.unsupported", { space });
    default:
      return t("link.refused", { space, why: problem?.message ?? "" });
  }
}
