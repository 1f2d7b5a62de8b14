// What is on the screen. Changed only by `reduce`; read through `select`.

import type { Writing } from "../backend/backend";
import type { AttachmentView } from "../backend/gen/AttachmentView";
import type { EventId } from "../backend/gen/EventId";
import type { HostingView } from "../backend/gen/HostingView";
import type { Item } from "../backend/gen/Item";
import type { MarkChange } from "../backend/gen/MarkChange";
import type { MeView } from "../backend/gen/MeView";
import type { MemberId } from "../backend/gen/MemberId";
import type { NearbySpace } from "../backend/gen/NearbySpace";
import type { Page } from "../backend/gen/Page";
import type { PersonView } from "../backend/gen/PersonView";
import type { Refusal } from "../backend/gen/Refusal";
import type { RoomId } from "../backend/gen/RoomId";
import type { RoomView } from "../backend/gen/RoomView";
import type { Settings } from "../backend/gen/Settings";
import type { SpaceId } from "../backend/gen/SpaceId";
import type { SpaceView } from "../backend/gen/SpaceView";
import type { ThreadDraftView } from "../backend/gen/ThreadDraftView";
import type { TransferId } from "../backend/gen/TransferId";
import type { TransferView } from "../backend/gen/TransferView";
import type { UiEvent } from "../backend/gen/UiEvent";
import type { Layout } from "../lib/layout";
import type { Import, ImportChange } from "./imports";

export interface State {
  /** False until the snapshot has come. */
  ready: boolean;
  me: MeView | null;
  /** As they hold here: what the core has, with what is wanted over it. */
  settings: Settings;
  /** As the core has them. */
  settingsTold: Settings;
  /** Changes that the core has not answered yet. */
  settingsWanted: Partial<Settings>;
  nearby: readonly NearbySpace[];
  discoveryProblem: string | null;
  /** What this computer hosts and can host again; at most one is on. */
  hosting: readonly HostingView[];
  spaces: Readonly<Record<SpaceId, Space>>;
  /** In the order in which they stand in the rail. */
  order: readonly SpaceId[];
  timelines: Readonly<Record<RoomId, Timeline>>;
  /** Threads that are or were in the drawer, by their first message. */
  threads: Readonly<Record<EventId, Thread>>;
  /** What goes with the next message, by the room or the first message of the thread. */
  attachments: Readonly<Record<string, readonly AttachmentView[]>>;
  /** The core's drafts of threads, by their first message; none is empty. */
  threadDrafts: Readonly<Record<EventId, ThreadDraftView>>;
  /** Files on their way to and from each space's host. */
  transfers: Readonly<Record<SpaceId, Readonly<Record<TransferId, TransferView>>>>;
  place: Place;
  /** The window has the focus and is not hidden. */
  focused: boolean;
  layout: Layout;
  dialog: Dialog | null;
  drawer: Drawer | null;
  notices: readonly Notice[];
  /** What is brought into each space from elsewhere. */
  imports: Readonly<Record<SpaceId, Import>>;
}

export interface Space {
  view: SpaceView;
  rooms: Readonly<Record<RoomId, RoomView>>;
  people: Readonly<Record<MemberId, PersonView>>;
  typing: Readonly<Record<RoomId, Typing>>;
}

export interface Typing {
  members: readonly MemberId[];
  more: number;
}

/** A stretch of a room's log that is held here: at most WINDOW_ITEMS of it. */
export interface Timeline {
  /** Rising `seq`; those without one last, in the order in which they were written. */
  items: readonly Item[];
  moreBefore: boolean;
  moreAfter: boolean;
  holeBefore: boolean;
  marks: Readonly<Record<MemberId, MarkChange>>;
  /** Not true any more: to be read anew. */
  stale: boolean;
}

/** A stretch of what was said in a thread. */
export interface Thread extends Timeline {
  room: RoomId;
  /** The message that began it, wherever the stretch lies; null where it is not on this computer. */
  head: Item | null;
}

/** Where in the app the person is. */
export interface Place {
  space: SpaceId | null;
  room: RoomId | null;
  /** Where the sidebar lies over the room: it is there. */
  list: boolean;
  /** Shown even though there are spaces: the screen to join or host another. */
  adding: boolean;
  line: UnreadLine | null;
  target: Target | null;
  /** Marked unread while it is open: what is seen is not read until it is opened again. */
  unread: boolean;
}

/** The line before the first message that was unread when the room was opened. */
export interface UnreadLine {
  seq: number;
  /** All below it is read: it fades. */
  done: boolean;
}

/** An item to bring into view and light up once. */
export interface Target {
  id: EventId;
  /** Null where it is not known. */
  seq: number | null;
  /** The thread it stands in, where that is known. */
  thread?: EventId | null;
}

export type Drawer =
  | { kind: "people"; room: boolean }
  | { kind: "details" }
  | { kind: "search"; everywhere: boolean }
  | { kind: "pins" }
  /** The threads with something to read. */
  | { kind: "threads" }
  /** `at`: the reply to bring into view, once. */
  | { kind: "thread"; thread: EventId; at: Target | null }
  /** Who has a message, and how it has read. */
  | { kind: "message"; item: EventId };

export type Dialog =
  | { kind: "host" }
  | { kind: "hosting" }
  | { kind: "passcode"; join: JoinTarget; wrong: boolean }
  | { kind: "create_room" }
  | { kind: "browse_rooms" }
  | { kind: "status" }
  | { kind: "write_to" }
  | { kind: "invite"; room: RoomId }
  | { kind: "leave"; room: RoomId }
  | { kind: "delete"; room: RoomId; item: EventId; text: string }
  /** A picture over the whole window; `thread`: of those in this thread. */
  | { kind: "viewer"; thread: EventId | null; event: EventId; blake3: string }
  | { kind: "settings" }
  | { kind: "import"; space: SpaceId }
  | { kind: "palette" }
  | { kind: "shortcuts" };

/** What one wants to join: a space seen nearby, or an address. */
export interface JoinTarget {
  name: string;
  space: SpaceId | null;
  address: string | null;
}

export interface Notice {
  key: number;
  refusal: Refusal;
}

/** What happens in the window itself. */
export type WindowEvent =
  /** `anew`: what is held of the room is of no use, a page of it is being read. */
  | { event: "opened"; space: SpaceId; room: RoomId | null; anew?: boolean }
  | { event: "listed" }
  | { event: "attached"; to: Writing; attachment: AttachmentView }
  | { event: "adding"; on: boolean }
  | {
      event: "page";
      room: RoomId;
      /** Of this thread; null: of the room itself. */
      thread: EventId | null;
      page: Page;
      where: "newest" | "around" | "before" | "after";
    }
  /** A change of settings, on its way to the core; and that it was kept, or refused. */
  | { event: "set"; change: Partial<Settings> }
  | { event: "set_done"; change: Partial<Settings>; kept: boolean }
  | { event: "target"; target: Target | null }
  | { event: "unread_kept"; on: boolean }
  | { event: "line_done" }
  | { event: "focus"; on: boolean }
  | { event: "layout"; layout: Layout }
  | { event: "dialog"; dialog: Dialog | null }
  | { event: "drawer"; drawer: Drawer | null }
  | { event: "notice_closed"; key: number }
  | { event: "import"; space: SpaceId; change: ImportChange };

export type Change = UiEvent | WindowEvent;

/** Items of one room kept in the window, and so rows in the page; older or newer ones are read again. */
export const WINDOW_ITEMS = 400;
/** Items asked for at once while one reads on. */
export const PAGE_ITEMS = 40;
/**
 * Items of the page that is drawn first, as many as fill a window of this height in pixels: a room
 * opens as fast as these are drawn.
 */
export function firstItems(height: number): number {
  return Math.min(PAGE_ITEMS, Math.max(FIRST_AT_LEAST, Math.ceil(height / ROW_PX)));
}
const FIRST_AT_LEAST = 20;
/** Less than most messages take, in pixels. */
const ROW_PX = 32;
/** Rooms whose timelines are kept while others are open. */
export const TIMELINES_KEPT = 8;
/** Threads that are kept while another is open. */
export const THREADS_KEPT = 4;
/** Notices shown at once; the oldest gives way. */
export const NOTICES_SHOWN = 3;

const USUAL: Settings = {
  theme: "system",
  density: "comfortable",
  text_size: 100,
  enter_sends: true,
  notifications: true,
  notification_previews: true,
  notification_sound: true,
  keywords: [],
  quiet_until: null,
  receipts: true,
  recent_emoji: [],
  last_space: null,
  last_room: null,
};

export const EMPTY: State = {
  ready: false,
  me: null,
  settings: USUAL,
  settingsTold: USUAL,
  settingsWanted: {},
  nearby: [],
  discoveryProblem: null,
  hosting: [],
  spaces: {},
  order: [],
  timelines: {},
  threads: {},
  attachments: {},
  threadDrafts: {},
  transfers: {},
  place: {
    space: null,
    room: null,
    list: false,
    adding: false,
    line: null,
    target: null,
    unread: false,
  },
  focused: true,
  layout: [],
  dialog: null,
  drawer: null,
  notices: [],
  imports: {},
};
