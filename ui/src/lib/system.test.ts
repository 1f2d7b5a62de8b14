import { expect, test } from "vitest";

import type { Content } from "../backend/gen/Content";
import type { Item } from "../backend/gen/Item";
import type { Space } from "../store/state";
import { systemWords } from "./system";

const ANA = "A".repeat(43);
const NODE = "N".repeat(43);

const space = {
  view: { name: "Studio", me: ANA },
  people: { [ANA]: { member: ANA, name: "Ana" } },
} as unknown as Space;

function line(author: string, content: Content): Item {
  return {
    id: "0193b5a0-0000-7000-8000-000000000001",
    seq: 1,
    author,
    sent_at: 0,
    accepted_at: 0,
    body: { kind: "system", content },
    state: { state: "accepted" },
  };
}

test("a room that a person made says who", () => {
  const created: Content = { type: "room_created", kind: "public", name: "kitchen" };
  expect(systemWords(space, line(ANA, created))).toBe("Ana created the room");
});

test("the room that comes with the space names nobody, for a node is no person", () => {
  const created: Content = {
    type: "room_created",
    kind: "public",
    name: "general",
    everyone: true,
  };
  expect(systemWords(space, line(NODE, created))).toBe("Everyone in Studio is in this room");
});
