import assert from "node:assert/strict";
import { test } from "node:test";

import { PeerBook } from "./peer-book.ts";

const address = { host: "10.0.0.1", port: 1 };
const other = { host: "::1", port: 2 };
const quiet = { nowMs: 0, gave: false, verdict: undefined };

/** A full book: all its addresses were dialled, and each left as `endOf` says. */
function fullBook(endOf: (index: number) => Parameters<PeerBook["left"]>[1]) {
  const book = new PeerBook();
  const known = addressesOf("10.0.0.1", 500);
  book.add(known);
  book.take(500, 0);
  for (const [index, each] of known.entries()) book.left(each, endOf(index));
  return { book, known };
}

function addressesOf(host: string, count: number) {
  return Array.from({ length: count }, (_, port) => ({ host, port: port + 1 }));
}

/** Those of some addresses that a book still knows. */
function remembered(book: PeerBook, addresses: readonly { host: string; port: number }[]) {
  const dialled = new Set(book.take(1000, 1e9).map(({ host, port }) => `${host} ${port}`));
  return addresses.filter(({ host, port }) => dialled.has(`${host} ${port}`));
}

test("PeerBook that is full forgets addresses that failed, then banned ones, for new ones", () => {
  const book = new PeerBook();
  const many = Array.from({ length: 500 }, (_, port) => ({ host: "h", port: port + 1 }));
  book.add(many);
  const [failed, banned] = book.take(2, 0);
  assert.ok(failed && banned);
  book.add([address]);
  assert.equal(book.take(1000, 0).length, 498);
  book.left(failed, quiet);
  book.left(banned, { ...quiet, verdict: "hostile" });
  book.add([address]);
  assert.deepEqual(book.take(9, 1e9), [address]);
  book.add([other]);
  assert.deepEqual(book.take(9, 1e9), [other]);
  book.add([failed]);
  assert.deepEqual(book.take(9, 1e9), []);
});

test("PeerBook that is full forgets who failed before who serves others, and before who gave", () => {
  const ends = [quiet, { ...quiet, isRefused: true }, { ...quiet, gave: true }];
  const { book, known } = fullBook((index) => ends[index % 3] ?? quiet);
  const newcomers = addressesOf("10.0.0.2", 167);
  assert.equal(book.add(newcomers), 167);
  const live = known.filter((_, index) => index % 3 !== 0);
  assert.deepEqual(remembered(book, [...known, ...newcomers]), [...live, ...newcomers]);
});

test("PeerBook that is full of live nodes makes place for others, and a flood leaves it the best", () => {
  const { book, known } = fullBook((index) => ({
    ...{ ...quiet, isRefused: true },
    ...{ gave: index < 200, gaveRight: index < 100 },
  }));
  assert.equal(book.add(addressesOf("10.0.0.2", 100)), 100);
  assert.equal(book.add(addressesOf("10.0.0.3", 5000)), 272);
  const kept = remembered(book, known);
  assert.equal(kept.length, 128);
  assert.deepEqual(
    kept.slice(0, 100),
    known.slice(0, 100),
    "those that gave what was right are among them",
  );
});

test("PeerBook that is full of live nodes forgets some of them before it forgets who is banned", () => {
  const { book, known } = fullBook((index) => ({
    ...{ ...quiet, isRefused: true },
    verdict: index === 0 ? "hostile" : undefined,
  }));
  const [banned] = known;
  assert.ok(banned);
  assert.equal(book.add(addressesOf("10.0.0.2", 371)), 371);
  assert.equal(book.usable, 499);
  assert.equal(book.add([banned]), 0, "it is still known");
  assert.equal(book.add([other]), 1, "now the banned one makes place, for 128 live ones stay");
  assert.equal(book.usable, 500);
});

test("PeerBook that is full remembers who gave a wrong piece, and bans it for the next", () => {
  const { book, known } = fullBook(() => ({ ...quiet, isRefused: true }));
  const [wrong] = known;
  assert.ok(wrong);
  const taken = book.take(1, 250, { mayDial: (one) => one.port === wrong.port });
  assert.deepEqual(taken, [wrong]);
  assert.equal(book.blame(wrong), false);
  book.left(wrong, { ...quiet, nowMs: 250, gave: true, gaveRight: true });
  assert.equal(book.add([other]), 1);
  assert.equal(book.add([wrong]), 0, "it is still known");
  assert.equal(book.blame(wrong), true);
});

test("PeerBook that is full forgets those of the live ones first that refused most", () => {
  const { book, known } = fullBook(() => ({ ...quiet, isRefused: true }));
  const [often] = book.take(1, 250);
  assert.ok(often);
  book.left(often, { ...quiet, nowMs: 250, isRefused: true });
  assert.equal(book.add([address, other]), 1, "the first is one of those that it knows");
  assert.deepEqual(remembered(book, known), known.slice(1));
});

test("PeerBook that is full forgets who gave once and failed for long", () => {
  const { book, known } = fullBook(() => ({ ...quiet, gave: true }));
  const [gone] = known;
  assert.ok(gone);
  for (let nowMs = 100_000; nowMs <= 500_000; nowMs += 100_000) {
    const taken = book.take(1, nowMs, { mayDial: (one) => one.port === gone.port });
    assert.deepEqual(taken, [gone]);
    book.left(gone, { ...quiet, nowMs });
  }
  assert.equal(book.add([other]), 1);
  assert.deepEqual(remembered(book, known), known.slice(1));
});

test("PeerBook that is full forgets who shook hands and had nothing, whom it dials again soon", () => {
  const { book, known } = fullBook((index) => ({
    ...{ ...quiet, isRefused: index < 499, owedNothing: index === 499 },
  }));
  assert.equal(book.dueCount(250), 500);
  assert.equal(book.add(addressesOf("10.0.0.2", 1)), 1);
  assert.deepEqual(remembered(book, known), known.slice(0, 499));
});

test("PeerBook that is full keeps who was gone for long and says that it serves others", () => {
  const { book, known } = fullBook((index) => (index < 2 ? { ...quiet, gave: true } : quiet));
  const [back, gone] = known;
  assert.ok(back && gone);
  for (let nowMs = 100_000; nowMs <= 700_000; nowMs += 100_000) {
    const taken = book.take(2, nowMs, { mayDial: ({ port }) => port <= gone.port });
    assert.deepEqual(taken, [back, gone]);
    book.left(back, { ...quiet, nowMs, isRefused: nowMs === 700_000 });
    book.left(gone, { ...quiet, nowMs });
  }
  assert.equal(book.add(addressesOf("10.0.0.2", 499)), 499);
  assert.deepEqual(remembered(book, known), [back]);
});
