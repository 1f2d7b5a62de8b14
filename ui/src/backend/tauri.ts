// The desktop shell. The only file that imports @tauri-apps.

import { Channel, invoke } from "@tauri-apps/api/core";
import { asRefused, type Backend, type CommandName, type Reply, type Request } from "./backend";
import type { UiEvent } from "./gen/UiEvent";

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
}
