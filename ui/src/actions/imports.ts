// Bringing in what was said elsewhere. It goes on while its sheet is closed.

import type { App } from "../app.svelte";
import { asRefused } from "../backend/backend";
import type { Refusal } from "../backend/gen/Refusal";
import type { SpaceId } from "../backend/gen/SpaceId";
import type { ImportChange } from "../store/imports";

/** Asks which file, and shows what it is. Answers why it can't be imported. */
export async function chooseImport(app: App, space: SpaceId): Promise<Refusal | null> {
  try {
    const about = await app.backend.chooseImport(space);
    if (about === null) return null;
    tell(app, space, { kind: "chosen", about });
    showImport(app, space);
    return null;
  } catch (error) {
    return asRefused(error).refusal;
  }
}

export function showImport(app: App, space: SpaceId): void {
  app.change({ event: "dialog", dialog: { kind: "import", space } });
}

/** Brings in what was chosen. `into`: all of it into the room of that name. */
export async function startImport(app: App, space: SpaceId, into: string | null): Promise<void> {
  tell(app, space, { kind: "started", into });
  try {
    const report = await app.backend.startImport(space, into, (progress) =>
      tell(app, space, { kind: "progress", progress }),
    );
    if (report === null) tell(app, space, { kind: "stopped", refusal: null });
    else tell(app, space, { kind: "done", report });
  } catch (error) {
    tell(app, space, { kind: "stopped", refusal: asRefused(error).refusal });
  }
}

/** What is in stays. */
export function cancelImport(app: App, space: SpaceId): void {
  tell(app, space, { kind: "stopping" });
  app.backend.cancelImport(space).catch((error: unknown) => app.notice(error));
}

function tell(app: App, space: SpaceId, change: ImportChange): void {
  app.change({ event: "import", space, change });
}
