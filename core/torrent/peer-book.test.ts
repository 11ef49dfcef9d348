import assert from "node:assert/strict";
import { test } from "node:test";

import { PeerBook } from "./peer-book.ts";

const address = { host: "10.0.0.1", port: 1 };
const other = { host: "::1", port: 2 };
const quiet = { nowMs: 0, gave: false, verdict: undefined };

test("PeerBook gives each address once until it has left, and then after a pause", () => {
  const book = new PeerBook();
  book.add([address, other, address]);
  assert.deepEqual(book.take(5, 0), [address, other]);
  assert.deepEqual(book.take(5, 0), []);
  book.left(address, quiet);
  assert.deepEqual(book.take(5, 0), []);
  assert.deepEqual(book.take(5, 250), [address]);
  book.left(address, { ...quiet, nowMs: 250 });
  assert.deepEqual(book.take(5, 1249), []);
  assert.deepEqual(book.take(5, 1250), [address]);
});

test("PeerBook does not give an address again that is ours, foreign or hostile", () => {
  for (const verdict of ["self", "foreign", "hostile"] as const) {
    const book = new PeerBook();
    book.add([address]);
    book.take(1, 0);
    book.left(address, { ...quiet, verdict });
    book.add([address]);
    assert.deepEqual(book.take(1, 1e9), []);
    assert.equal(book.usable, 0);
  }
});

test("PeerBook bans an address with its second wrong piece", () => {
  const book = new PeerBook();
  book.add([address]);
  book.take(1, 0);
  assert.equal(book.blame(address), false);
  assert.equal(book.blame(address), true);
  book.left(address, quiet);
  assert.deepEqual(book.take(1, 1e9), []);
});

test("PeerBook counts who is of use, and tells whether any of them was never dialled", () => {
  const book = new PeerBook();
  const third = { host: "10.0.0.3", port: 3 };
  book.add([address, other, third]);
  assert.equal(book.usable, 3);
  for (let offences = 0; offences < 3; offences++) book.blame(third);
  assert.equal(book.usable, 2);
  assert.deepEqual(book.take(1, 0), [address]);
  assert.equal(book.hasUntried, true);
  assert.deepEqual(book.take(1, 0), [other]);
  assert.equal(book.hasUntried, false);
  book.left(address, { ...quiet, verdict: "foreign" });
  assert.equal(book.usable, 1);
});

test("PeerBook gives who comes late, also while all others are not to be dialled yet", () => {
  const book = new PeerBook();
  book.add([address]);
  book.take(1, 0);
  book.left(address, quiet);
  assert.deepEqual(book.take(5, 100), []);
  book.add([other]);
  assert.deepEqual(book.take(5, 100), [other]);
  assert.deepEqual(book.take(5, 250), [address]);
});

test("PeerBook remembers so many addresses and no more", () => {
  const book = new PeerBook();
  book.add(Array.from({ length: 5000 }, (_, port) => ({ host: "h", port })));
  assert.equal(book.usable, 500);
});

test("PeerBook knows an address again that is written in another way, also when it is banned", () => {
  const book = new PeerBook();
  const mapped = { host: "::ffff:10.0.0.1", port: 1 };
  book.add([mapped, address, { host: "0:0:0::1", port: 2 }, other]);
  assert.deepEqual(book.take(9, 0), [address, other]);
  assert.equal(book.blame(mapped), false);
  assert.equal(book.blame(address), true);
  book.left(mapped, quiet);
  book.add([mapped]);
  assert.deepEqual(book.take(9, 1e9), []);
});

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

test("PeerBook leaves out what no socket would take", () => {
  const book = new PeerBook();
  for (const port of [0, 65536, 1.5, NaN, -1]) book.add([{ host: "h", port }]);
  book.add([{ host: "", port: 1 }]);
  assert.equal(book.usable, 0);
});

test("PeerBook has addresses dialled first that never were, and doubts those that gave nothing", () => {
  const book = new PeerBook();
  const [useless, giving, fresh] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((host) => ({
    ...{ host, port: 1 },
  }));
  assert.ok(useless && giving && fresh);
  book.add([useless, giving]);
  assert.equal(book.hasUntried, true);
  assert.equal(book.isDoubtful(useless), false);
  book.take(2, 0);
  assert.equal(book.hasUntried, false);
  book.left(useless, { nowMs: 0, gave: false, verdict: undefined });
  book.left(giving, { nowMs: 0, gave: true, verdict: undefined });
  book.add([fresh]);
  assert.deepEqual(
    [useless, giving, fresh].map((address) => book.isDoubtful(address)),
    [true, false, false],
  );
  assert.deepEqual(book.take(1, 100_000), [fresh]);
  assert.deepEqual(book.take(5, 100_000), [useless, giving]);
  assert.deepEqual(book.take(0, 100_000), []);
});

test("PeerBook keeps an address for later that may not be dialled now, and gives others", () => {
  const book = new PeerBook();
  book.add([address, other]);
  const asked: unknown[] = [];
  const mayDial = (one: typeof address) => {
    asked.push(one);
    return one.port !== address.port;
  };
  assert.deepEqual(book.take(1, 0, { mayDial }), [other]);
  assert.deepEqual(asked, [address, other]);
  assert.deepEqual(book.take(0, 0, { mayDial }), []);
  assert.equal(asked.length, 2);
  assert.deepEqual(book.take(1, 0), [address]);
});

test("PeerBook doubts nobody who served others, and gives its address again soon", () => {
  const book = new PeerBook();
  book.add([address]);
  let nowMs = 0;
  for (const pauseMs of [250, 1000, 3000, 10_000, 10_000]) {
    assert.equal(book.dueCount(nowMs), 1);
    assert.deepEqual(book.take(1, nowMs), [address]);
    book.left(address, { ...quiet, nowMs, isRefused: true });
    assert.equal(book.isDoubtful(address), false);
    assert.equal(book.dueCount(nowMs + pauseMs - 1), 0);
    assert.deepEqual(book.take(1, nowMs + pauseMs - 1), []);
    nowMs += pauseMs;
  }
});

test("PeerBook gives an address first that is preferred, once", () => {
  const book = new PeerBook();
  const third = { host: "10.0.0.3", port: 3 };
  book.add([address, other, third]);
  book.prefer(third);
  assert.deepEqual(book.take(2, 0), [third, address]);
  book.left(third, quiet);
  book.prefer(third);
  assert.deepEqual(book.take(1, 1e9), [other], "it was tried by now");
});

test("PeerBook tells whether it knows a host, which may have a whole network by IPv6", () => {
  const book = new PeerBook();
  book.add([address, { host: "fd00:0:0:1::1", port: 1 }]);
  const knows = (host: string) => book.knowsHost({ host, port: 9 });
  assert.deepEqual(["10.0.0.1", "10.0.0.2", "fd00:0:0:1::2", "fd00:0:0:2::1", "node"].map(knows), [
    true,
    false,
    true,
    false,
    false,
  ]);
});

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
