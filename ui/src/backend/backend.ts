// The one door to the outside. Views and store know nothing but this.

import type { Code } from "./gen/Code";
import type { CommandMap } from "./gen/CommandMap";
import type { AttachmentId } from "./gen/AttachmentId";
import type { AttachmentView } from "./gen/AttachmentView";
import type { EventId } from "./gen/EventId";
import type { ExportFormat } from "./gen/ExportFormat";
import type { Exported } from "./gen/Exported";
import type { ImportAbout } from "./gen/ImportAbout";
import type { ImportProgress } from "./gen/ImportProgress";
import type { ImportReport } from "./gen/ImportReport";
import type { Refusal } from "./gen/Refusal";
import type { RoomId } from "./gen/RoomId";
import type { SpaceId } from "./gen/SpaceId";
import type { UiEvent } from "./gen/UiEvent";

export type CommandName = keyof CommandMap;
export type Request<K extends CommandName> = CommandMap[K][0];
export type Reply<K extends CommandName> = CommandMap[K][1];

/** A file of a message. */
export interface FileOfMessage {
  space: SpaceId;
  event: EventId;
  blake3: string;
}

/** Rooms to be exported; none: all of the space. */
export interface RoomsToExport {
  space: SpaceId;
  rooms: RoomId[];
  format: ExportFormat;
}

/** What is being written: in a room, or in a thread of it. */
export interface Writing {
  space: SpaceId;
  room: RoomId;
  thread: EventId | null;
}

export interface Backend {
  /** Rejects with a {@link Refused}. State moves by events, not by what is answered here. */
  call<K extends CommandName>(name: K, request: Request<K>): Promise<Reply<K>>;
  /** The first event is `snapshot`. Answers how to stop listening. */
  listen(on: (events: UiEvent[]) => void): () => void;
  /**
   * Adds one of the person's files to what is being written, and answers what became of it: the
   * event `attachments` may come later. `progress`: how much is taken, from 0 to 1. Rejects with a
   * {@link Refused}.
   */
  attach(
    to: Writing,
    file: File,
    progress: (part: number) => void,
    stop: AbortSignal,
  ): Promise<AttachmentView>;
  /** Where the window reads a file that is attached to what is being written. */
  attached(space: SpaceId, id: AttachmentId): string;
  /** Where the window reads a file of a message; null where it is not on this computer. */
  local(file: FileOfMessage): Promise<string | null>;
  /**
   * Asks the person where to, and saves it there; fetches it first where it is not here. Answers
   * whether it was saved.
   */
  save(file: FileOfMessage, name: string): Promise<boolean>;
  /** Asks the person where to, and exports rooms there; null where they thought better of it. */
  saveExport(rooms: RoomsToExport, name: string): Promise<Exported | null>;
  /**
   * Asks the person which file to import into a space; null where they thought better of it.
   * Rejects with a {@link Refused} where it is nothing that can be imported.
   */
  chooseImport(space: SpaceId): Promise<ImportAbout | null>;
  /**
   * Imports the file that was chosen last. `into`: all of it into the room of that name. Null
   * where it was cancelled: what is in stays. Rejects with a {@link Refused}.
   */
  startImport(
    space: SpaceId,
    into: string | null,
    progress: (progress: ImportProgress) => void,
  ): Promise<ImportReport | null>;
  cancelImport(space: SpaceId): Promise<void>;
}

/** Why a command was refused: a code for the program, words for people. */
export class Refused extends Error {
  readonly code: Code;
  readonly retryAfterMs: number | undefined;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = "Refused";
    this.code = refusal.code;
    this.retryAfterMs = refusal.retry_after_ms;
  }

  get refusal(): Refusal {
    const { code, message, retryAfterMs } = this;
    return retryAfterMs === undefined
      ? { code, message }
      : { code, message, retry_after_ms: retryAfterMs };
  }
}

function isRefusal(error: unknown): error is Refusal {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    "message" in error &&
    typeof error.message === "string"
  );
}

/** Whatever was thrown, as a refusal that can be shown. */
export function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (isRefusal(error)) return new Refused(error);
  return new Refused({ code: "internal", message: String(error) });
}
