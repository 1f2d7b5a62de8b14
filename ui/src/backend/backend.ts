// The one door to the outside. Views and store know nothing but this.

import type { Code } from "./gen/Code";
import type { CommandMap } from "./gen/CommandMap";
import type { Refusal } from "./gen/Refusal";
import type { UiEvent } from "./gen/UiEvent";

export type CommandName = keyof CommandMap;
export type Request<K extends CommandName> = CommandMap[K][0];
export type Reply<K extends CommandName> = CommandMap[K][1];

export interface Backend {
  /** Rejects with a {@link Refused}. State moves by events, not by what is answered here. */
  call<K extends CommandName>(name: K, request: Request<K>): Promise<Reply<K>>;
  /** The first event is `snapshot`. Answers how to stop listening. */
  listen(on: (events: UiEvent[]) => void): () => void;
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
