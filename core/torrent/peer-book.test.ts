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

test("PeerBook doubts who failed until it gives something, whatever it says meanwhile", () => {
  const book = new PeerBook();
  book.add([address]);
  const ends = [quiet, { ...quiet, isRefused: true }, { ...quiet, gave: true }, quiet];
  const doubts = ends.map((end, index) => {
    assert.deepEqual(book.take(1, index * 1000), [address]);
    book.left(address, { ...end, nowMs: index * 1000 });
    return book.isDoubtful(address);
  });
  assert.deepEqual(doubts, [true, true, false, false]);
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

test("PeerBook tells whether it knows a host, by its whole address", () => {
  const book = new PeerBook();
  book.add([address, { host: "fd00:0:0:1::1", port: 1 }]);
  const knows = (host: string) => book.knowsHost({ host, port: 9 });
  const hosts = [
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "10.0.0.2",
    "fd00:0:0:1::1",
    "fd00:0:0:1::2",
    "node",
  ];
  assert.deepEqual(hosts.map(knows), [true, true, false, true, false, false]);
});
