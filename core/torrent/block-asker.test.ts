import assert from "node:assert/strict";
import { test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { BlockAsker } from "./block-asker.ts";

const ignore = () => undefined;

test("a peer that says very often that it may be asked has a piece looked for it once, until the next tick", () => {
  let looks = 0;
  const asker = new BlockAsker({
    connection: { isClosed: false, write: ignore, dropBlockOf: ignore },
    assign: () => {
      looks++;
      return undefined;
    },
    ...{ onPiece: ignore, onBegun: ignore, now: () => 0 },
    passage: new HostLimits().passage(["download"], { flow: "" }),
  });
  asker.fill();
  assert.equal(looks, 0, "it may not be asked yet");
  for (let count = 0; count < 1000; count++) asker.unchoke();
  assert.equal(looks, 1);
  asker.choke();
  asker.fill();
  asker.unchoke();
  assert.equal(looks, 1);
  asker.fill();
  assert.equal(looks, 2);
});
