// The desktop shell. The only file that imports @tauri-apps.
//
// Files do not go through the shell's commands: the shell serves them to this window on the
// computer's own address, and takes them there, so that no file is ever in memory as a whole.

import { Channel, invoke } from "@tauri-apps/api/core";
import {
  asRefused,
  Refused,
  type Backend,
  type CommandName,
  type FileOfMessage,
  type Reply,
  type Request,
  type RoomsToExport,
  type Writing,
} from "./backend";
import type { AttachmentId } from "./gen/AttachmentId";
import type { AttachmentView } from "./gen/AttachmentView";
import type { Exported } from "./gen/Exported";
import type { ImportAbout } from "./gen/ImportAbout";
import type { ImportProgress } from "./gen/ImportProgress";
import type { ImportReport } from "./gen/ImportReport";
import type { SpaceId } from "./gen/SpaceId";
import type { UiEvent } from "./gen/UiEvent";

declare global {
  interface Window {
    /** Where the shell serves and takes files: an address with a secret in it. */
    readonly landlineFiles?: string;
  }
}

export class TauriBackend implements Backend {
  async call<K extends CommandName>(name: K, request: Request<K>): Promise<Reply<K>> {
    try {
      return await invoke<Reply<K>>("call", { command: { name, request } });
    } catch (error) {
      throw asRefused(error);
    }
  }

  listen(on: (events: UiEvent[]) => void): () => void {
    let stopped = false;
    const channel = new Channel<UiEvent[]>();
    channel.onmessage = (events) => {
      if (!stopped) on(events);
    };
    invoke("listen", { channel }).catch((error: unknown) => {
      if (!stopped) on([{ event: "notice", refusal: asRefused(error).refusal }]);
    });
    return () => {
      stopped = true;
    };
  }

  /** By XMLHttpRequest: `fetch` does not tell how much has been sent. */
  attach(
    to: Writing,
    file: File,
    progress: (part: number) => void,
    stop: AbortSignal,
  ): Promise<AttachmentView> {
    const { space, room, thread } = to;
    const asked = new URLSearchParams({ space, room, name: file.name, type: file.type });
    if (thread !== null) asked.set("thread", thread);
    return new Promise((answer, refuse) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${filesAddress()}/attach?${asked.toString()}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = ({ loaded, total }) => {
        if (total > 0) progress(loaded / total);
      };
      request.onload = () => {
        if (request.status !== 200) refuse(refusedBy(request.responseText));
        else answer(JSON.parse(request.responseText) as AttachmentView);
      };
      // Nothing was answered: the file can't be read any more, or is a folder.
      request.onerror = () => refuse(asRefused("it can't be read"));
      request.onabort = () => refuse(asRefused("stopped"));
      stop.addEventListener("abort", () => request.abort(), { once: true });
      request.send(file);
    });
  }

  attached(space: SpaceId, id: AttachmentId): string {
    return `${filesAddress()}/${space}/attached/${id}`;
  }

  async local({ space, event, blake3 }: FileOfMessage): Promise<string | null> {
    const url = `${filesAddress()}/${space}/${event}/${blake3}`;
    const { status } = await fetch(url, { method: "HEAD" });
    return status === 200 ? url : null;
  }

  async save(file: FileOfMessage, name: string): Promise<boolean> {
    try {
      return await invoke<boolean>("save_file", { file, name });
    } catch (error) {
      throw asRefused(error);
    }
  }

  async saveExport(rooms: RoomsToExport, name: string): Promise<Exported | null> {
    try {
      return await invoke<Exported | null>("save_export", { rooms, name });
    } catch (error) {
      throw asRefused(error);
    }
  }

  async chooseImport(space: SpaceId): Promise<ImportAbout | null> {
    try {
      return await invoke<ImportAbout | null>("choose_import", { space });
    } catch (error) {
      throw asRefused(error);
    }
  }

  async startImport(
    space: SpaceId,
    into: string | null,
    progress: (progress: ImportProgress) => void,
  ): Promise<ImportReport | null> {
    const channel = new Channel<ImportProgress>(progress);
    try {
      return await invoke<ImportReport | null>("start_import", { space, into, channel });
    } catch (error) {
      throw asRefused(error);
    }
  }

  async cancelImport(space: SpaceId): Promise<void> {
    await invoke("cancel_import", { space });
  }
}

function filesAddress(): string {
  return window.landlineFiles ?? "";
}

function refusedBy(answer: string): Refused {
  try {
    return asRefused(JSON.parse(answer));
  } catch {
    return asRefused(answer);
  }
}
