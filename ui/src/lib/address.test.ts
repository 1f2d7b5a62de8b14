import { expect, test } from "vitest";

import { forOthers } from "./address";

test("only addresses at which another computer can dial are given away, in their order", () => {
  const addresses = [
    "127.0.0.1:7717",
    "10.77.18.1:7717",
    "[fe80::bcea:21ff:fe37:5b87%2]:7717",
    "169.254.3.4:7717",
    "[2001:db8::7]:7717",
    "[::1]:7717",
    "studio-box:7717",
  ];
  expect(forOthers(addresses)).toEqual([
    "10.77.18.1:7717",
    "[2001:db8::7]:7717",
    "studio-box:7717",
  ]);
});
