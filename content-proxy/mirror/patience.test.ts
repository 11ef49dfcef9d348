import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

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
  return { digest: digestOf(Buffer.from("blob")), bytesDone: 0, bytesGiven: 0 };
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
  for (let look = 0; look < 5; look++) {
    assert.ok(patience.leftMs > 0);
    pass(100);
    t.mock.timers.tick(100);
  }
  await assert.rejects(waiting, UnavailableError);
});

/** Has bytes come in such portions each second; gives for how many seconds it is waited. */
async function secondsWaited(t: TestContext, bytesPerSecond: number): Promise<number> {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { patience, pass } = patienceOf();
  const arrival = arrivalOf();
  let looks = 0;
  const waiting = patience.whileBytesCome(arrival, forEver, t);
  for (; patience.leftMs > 0; looks++) {
    if (looks % 10 === 0) arrival.bytesGiven += bytesPerSecond;
    pass(100);
    t.mock.timers.tick(100);
  }
  await assert.rejects(waiting, UnavailableError);
  t.mock.timers.reset();
  return looks / 10;
}

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

test("Patience waits on while bytes come of pieces that are not whole, but for no drops", async (t) => {
  assert.ok((await secondsWaited(t, 16 * 1024)) >= 119);
  assert.ok((await secondsWaited(t, 1024)) <= 2);
});

test("Patience gives back time in which the process did not run, once", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { patience, pass } = patienceOf();
  const look = () => {
    pass(100);
    t.mock.timers.tick(100);
  };
  const waiting = patience.whileBytesCome(arrivalOf(), forEver, t);
  pass(30_000);
  look();
  // What is waited for may lie in a socket that nobody has read.
  assert.equal(patience.leftMs, 2000);
  pass(30_000);
  look();
  await assert.rejects(waiting, UnavailableError);
});

test("Patience gives back what a step took too long that ended well", (t) => {
  const { patience, pass } = patienceOf();
  pass(500);
  const step = patience.deadline(t);
  pass(2100);
  step[Symbol.dispose]();
  assert.equal(patience.leftMs, 600);
});

test("Patience ends with the client", async () => {
  const client = new AbortController();
  const waiting = patienceOf().patience.whileBytesCome(arrivalOf(), forEver, client);
  client.abort(new DOMException("gone", "AbortError"));
  await assert.rejects(waiting, { name: "AbortError" });
});
