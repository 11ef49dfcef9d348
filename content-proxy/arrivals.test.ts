import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { Node } from "./fetcher-node.test-support.ts";

const digest = digestOf(Buffer.from("what nobody has"));

test("a client that asks again and again for what nobody has leaves two timers, not two each time", async (t) => {
  const node = await Node.open(t);
  const set = t.mock.method(globalThis, "setTimeout");
  const cleared = t.mock.method(globalThis, "clearTimeout");
  for (let round = 0; round < 20; round++) {
    const arrival = node.arrivals.start({ digest, size: 1000, promised: false });
    const claim = node.arrivals.claim(digest);
    claim[Symbol.dispose]();
    await arrival.settled();
    await new Promise(setImmediate);
    node.arrivals.claim(digest)[Symbol.dispose]();
  }
  const gone = new Set(cleared.mock.calls.map(({ arguments: [timer] }) => timer));
  const left = set.mock.calls.filter(
    ({ arguments: [, delayMs], result }) => (delayMs ?? 0) >= 60_000 && !gone.has(result),
  );
  assert.deepEqual(left.map(({ arguments: [, delayMs] }) => delayMs).sort(), [60_000, 600_000]);
});
