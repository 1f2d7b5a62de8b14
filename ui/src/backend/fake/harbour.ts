// The scene `files`: what a room full of pictures and files looks like, one of each state.

import type { File as MessageFile } from "../gen/File";
import type { Item } from "../gen/Item";
import type { TransferState } from "../gen/TransferState";
import type { FakeFiles } from "./files";
import { film, picture, pictureHash, sound } from "./media";
import { hashNumber, ME, memberId, message, uuid } from "./scene";

const MINUTE = 60_000;
const MB = 1_000_000;

interface Made {
  items: Item[];
  queued: Item[];
}

/** Puts its files into `files` and tells its conversation. */
export function harbour(files: FakeFiles, space: string, room: string, now: number): Made {
  let number = 0;
  const known = (file: Omit<MessageFile, "blake3">, here: boolean, make: () => Promise<Blob>) => {
    number += 1;
    const blake3 = hashNumber(0xb00000 + number);
    files.known.set(blake3, { make, here });
    return { ...file, blake3 };
  };
  const photo = (name: string, width: number, height: number, bytes = 2.1 * MB, here = true) => {
    const seed = number;
    const type = "image/jpeg";
    const preview = pictureHash(seed, width, height);
    return known({ name, type, bytes, width, height, preview }, here, () =>
      picture(seed, width, height),
    );
  };
  const other = (name: string, type: string, bytes: number, here = false) =>
    known({ name, type, bytes }, here, () => Promise.resolve(new Blob(["file"])));

  const items: Item[] = [];
  const say = (by: string, minutes: number, text: string, ...named: MessageFile[]): Item => {
    const seq = items.length + 1;
    const item = message(uuid(0x60000 + seq), seq, by, now - minutes * MINUTE, text, {
      files: named,
    });
    items.push(item);
    return item;
  };
  const onTheWay = (item: Item, state: TransferState, part: number, words?: string) => {
    const [file] = item.body.kind === "message" ? item.body.files : [];
    if (!file) return;
    files.begin({
      id: uuid(0x70000 + number + items.length),
      space,
      room,
      event: item.id,
      blake3: file.blake3,
      way: item.seq === null ? "up" : "down",
      state,
      done: Math.round(file.bytes * part),
      bytes: file.bytes,
      ...(words === undefined ? {} : { words }),
    });
  };

  files.moves = false;
  say(memberId(1), 96, "The pier this morning, before the wind.", photo("pier.jpg", 2400, 1600));
  say(
    memberId(2),
    94,
    "",
    photo("north-wall-1.jpg", 1600, 1600),
    photo("north-wall-2.jpg", 1600, 1200),
    photo("north-wall-3.jpg", 1200, 1600),
    photo("north-wall-4.jpg", 2000, 1200),
  );
  say(memberId(3), 80, "A tall one, and a small sign:", photo("mast.jpg", 900, 1800));
  say(memberId(3), 79, "", photo("sign.jpg", 96, 64, 9_000));
  const far = say(memberId(4), 70, "Full size:", photo("panorama.jpg", 9000, 2400, 31 * MB, false));
  say(
    memberId(5),
    64,
    "The plan, with last week’s changes.",
    other("harbour-plan.pdf", "application/pdf", 4.2 * MB, true),
  );
  say(
    memberId(5),
    63,
    "",
    other("soundings-2026-11-19-north-basin-after-dredging.csv", "text/csv", 812_000),
  );
  onTheWay(
    say(memberId(2), 52, "", other("survey.zip", "application/zip", 148 * MB)),
    "running",
    0.43,
  );
  onTheWay(
    say(memberId(2), 51, "", other("tiles.tar.gz", "application/gzip", 920 * MB)),
    "paused",
    0.18,
  );
  onTheWay(
    say(memberId(7), 44, "", other("خريطة الميناء.pdf", "application/pdf", 1.7 * MB)),
    "waiting",
    0,
  );
  onTheWay(
    say(memberId(7), 43, "", other("model.step", "model/step", 61 * MB)),
    "failed",
    0.7,
    "This computer’s disk is full: 61 MB are needed",
  );
  say(
    memberId(1),
    30,
    "The new bell:",
    known({ name: "bell.wav", type: "audio/wav", bytes: 960_044 }, true, () =>
      Promise.resolve(sound()),
    ),
  );
  const size = { width: 1280, height: 720 };
  const turns = known(
    {
      name: "crane.webm",
      type: "video/webm",
      bytes: 7.4 * MB,
      ...size,
      preview: pictureHash(3, 64, 36),
    },
    true,
    film,
  );
  say(memberId(4), 22, "The crane turns again:", turns);
  say(
    ME,
    14,
    "Here are mine.",
    photo("rope.jpg", 1600, 1067),
    photo("buoy.jpg", 1067, 1600),
    photo("gulls.jpg", 1600, 900),
  );
  say(memberId(1), 9, "Good. Which of them goes on the poster?");

  const waits = message(uuid(0x6ffff), null, ME, now - MINUTE, "And the cut for it:", {
    files: [other("poster.indd", "application/octet-stream", 88 * MB, true)],
  });
  onTheWay(waits, "running", 0.36);
  // Somebody answers a picture without words.
  const poster = items.at(-1);
  const answered = items[1];
  if (poster?.body.kind === "message" && answered) poster.body.reply_to = answered.id;
  if (far.body.kind === "message") far.body.pinned = true;
  return { items, queued: [waits] };
}
