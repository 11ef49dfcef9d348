import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import { Patience } from "./patience.ts";

/** Patience of two seconds, and the time by hand. */
function patienceOf() {
  let nowMs = 5000;
  return {
    patience: new Patience({ windowMs: 2000, nowMs: () => nowMs }),
    pass: (durationMs: number) => (nowMs += durationMs),
  };
}

/** A blob with bytes that a test adds, and somebody who waits for it without end. */
function arrivalOf() {
  return { digest: digestOf(Buffer.from("blob")), bytesDone: 0 };
}

function forEver({ signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
}

test("Patience is one time for all that a request waits for", () => {
  const { patience, pass } = patienceOf();
  pass(1500);
  assert.equal(patience.leftMs, 500);
  pass(1500);
  assert.equal(patience.leftMs, 0);
});

test("Patience begins anew with bytes that come, but not without end", () => {
  const { patience, pass } = patienceOf();
  for (let secondsPassed = 1; secondsPassed < 119; secondsPassed++) {
    pass(1000);
    patience.renew();
    assert.ok(patience.leftMs > 0);
  }
  pass(1000);
  patience.renew();
  assert.equal(patience.leftMs, 1000);
  pass(1000);
  patience.renew();
  assert.equal(patience.leftMs, 0);
});

test("Patience gives up a blob of which no byte comes in what is left", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { patience, pass } = patienceOf();
  pass(1500);
  const waiting = patience.whileBytesCome(arrivalOf(), forEver, t);
  pass(500);
  t.mock.timers.tick(100);
  await assert.rejects(waiting, UnavailableError);
});

test("Patience waits on while bytes come", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { patience, pass } = patienceOf();
  const arrival = arrivalOf();
  const { promise, resolve } = Promise.withResolvers<string>();
  const waiting = patience.whileBytesCome(arrival, async () => promise, t);
  for (let look = 0; look < 5; look++) {
    pass(1900);
    arrival.bytesDone++;
    t.mock.timers.tick(100);
  }
  assert.equal(patience.leftMs, 2000);
  resolve("here");
  assert.equal(await waiting, "here");
});

test("Patience ends with the client", async () => {
  const client = new AbortController();
  const waiting = patienceOf().patience.whileBytesCome(arrivalOf(), forEver, client);
  client.abort(new DOMException("gone", "AbortError"));
  await assert.rejects(waiting, { name: "AbortError" });
});
