import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { parseInfoHash } from "../info-hash.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import type { AnnounceAnswer, AnnounceRequest, TrackerClient } from "./tracker-client.ts";
import { TrackerSession } from "./tracker-session.ts";

/** A tracker that does what a test tells it, and remembers what it was asked. */
class ScriptedTracker implements TrackerClient {
  readonly name = "scripted";
  readonly concurrencyMax = 2;
  readonly asked: AnnounceRequest[] = [];
  generation: string | undefined;
  /** Whether every other answer is of another run. */
  alternates = false;
  /** Which answers say that it was not told where we are. */
  wantsPlace: boolean[] = [];
  peers: readonly PeerAddress[] = [];
  state: "up" | "down" | "refusing" | "hanging" = "up";
  /** The same for the next requests. */
  nextStates: (typeof this.state)[] = [];
  answers = 0;
  running = 0;
  runningMax = 0;
  disposed = false;

  /** What it was asked since the last look: torrent and event. */
  take(): string[] {
    return this.asked
      .splice(0)
      .map(({ infoHash, event }) => `${infoHash[0] ?? ""} ${event ?? "-"}`);
  }

  async announce(request: AnnounceRequest, { signal }: Cancellable): Promise<AnnounceAnswer> {
    this.asked.push(request);
    this.runningMax = Math.max(this.runningMax, ++this.running);
    try {
      await Promise.resolve();
      signal.throwIfAborted();
      const state = this.nextStates.shift() ?? this.state;
      if (state === "hanging") await forever(signal);
      if (state === "down") throw new UnavailableError("Cannot reach it");
      if (state === "refusing") throw new AccessDeniedError("Cannot announce");
      const { peers } = this;
      const isOther = this.alternates && ++this.answers % 2 === 0;
      const generation = isOther ? "other" : this.generation;
      const wantsPlace = this.wantsPlace.shift() ?? false;
      return { generation, peers, intervalMs: 100_000, intervalMinMs: 5000, wantsPlace };
    } finally {
      this.running--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
  }
}

async function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error)),
  );
}

function startsIn(events: readonly string[]): string[] {
  return events.filter((event) => event.endsWith("started")).sort();
}

function torrentOf(name: string, left = 0): AnnouncedTorrent & { readonly peers: PeerAddress[] } {
  const peers: PeerAddress[] = [];
  return {
    infoHash: parseInfoHash(name.repeat(40)),
    port: 7002,
    left: () => left,
    uploaded: () => 0,
    downloaded: () => 0,
    onPeers: (found) => void peers.push(...found),
    peers,
  };
}

function sessionOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = new ScriptedTracker();
  const clock = new ManualClock();
  const logger = new MemoryLogger();
  const session = cleanUpOf(t).use(
    new TrackerSession({ client, clock, logger, random: () => 0.5 }),
  );
  const settle = async () => {
    // Each announce takes a few turns of the microtask queue, and there are few.
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  };
  const advance = async (durationMs: number) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
      clock.advance(100);
      t.mock.timers.tick(100);
      await settle();
    }
  };
  return { client, session, settle, advance, logger };
}

test("a torrent is announced at once, at the tracker's interval, and hears of peers", async (t) => {
  const { client, session, settle, advance } = sessionOf(t);
  const torrent = torrentOf("a", 5);
  client.peers = [{ host: "10.0.0.1", port: 1 }];
  session.join(torrent);
  await settle();
  assert.deepEqual(client.asked[0], {
    ...{ infoHash: torrent.infoHash, port: 7002, left: 5, uploaded: 0, downloaded: 0 },
    ...{ event: "started", peersWanted: 50 },
  });
  assert.deepEqual(torrent.peers, client.peers);
  client.take();
  await advance(29_000);
  assert.deepEqual(client.take(), []);
  // The tracker hears of us every half a minute, whatever its interval.
  await advance(72_000);
  assert.deepEqual(client.take(), ["a -", "a -", "a -"]);
});

test("a torrent that was announced without a place hears of peers when it was so with it, at once", async (t) => {
  const { client, session, settle, advance } = sessionOf(t);
  const [torrent, other] = [torrentOf("a", 5), torrentOf("b", 5)];
  client.peers = [{ host: "10.0.0.1", port: 1 }];
  client.wantsPlace = [true];
  session.join(torrent);
  session.join(other);
  await settle();
  assert.deepEqual(client.take(), ["a started", "b started", "a -"]);
  for (const { peers } of [torrent, other]) assert.deepEqual(peers, client.peers);
  await advance(20_000);
  assert.deepEqual(client.take(), []);
});

test("who tells its place does so before others are announced, however many there are", async (t) => {
  const { client, session, settle } = sessionOf(t);
  client.wantsPlace = [true, true];
  for (const name of "abcdef") session.join(torrentOf(name, 5));
  await settle();
  assert.deepEqual(client.take().slice(0, 4), ["a started", "b started", "a -", "b -"]);
});

for (const state of ["down", "refusing"] as const) {
  test(`peers from anywhere are taken when the announce with the place finds the tracker ${state}`, async (t) => {
    const { client, session, settle, advance } = sessionOf(t);
    const torrent = torrentOf("a", 5);
    client.peers = [{ host: "10.0.0.1", port: 1 }];
    client.wantsPlace = [true];
    client.nextStates = ["up", state];
    session.join(torrent);
    await settle();
    assert.deepEqual(client.take(), ["a started", "a -"]);
    assert.deepEqual(torrent.peers, client.peers);
    await advance(2000);
    assert.equal(client.take().length, 1);
  });
}

test("who leaves a tracker that wants its place says goodbye once", async (t) => {
  const { client, session, settle } = sessionOf(t);
  const torrent = torrentOf("a", 5);
  client.wantsPlace = [true, true];
  session.join(torrent);
  session.leave(torrent);
  await settle();
  assert.deepEqual(client.take(), ["a started", "a stopped"]);
});

test("many torrents are announced few at a time, those that lack pieces first", async (t) => {
  const { client, session, settle } = sessionOf(t);
  for (const name of "123456789") session.join(torrentOf(name));
  session.join(torrentOf("a", 1));
  await settle();
  const events = client.take();
  assert.equal(events.length, 10);
  assert.equal(events[2], "a started");
  assert.equal(client.runningMax, 2);
});

test("completion is told once, also when it comes while an announce is under way", async (t) => {
  const { client, session, settle } = sessionOf(t);
  const torrent = torrentOf("a", 5);
  session.join(torrent);
  session.completed(torrent);
  await settle();
  assert.deepEqual(client.take(), ["a started", "a completed"]);
  const whole = torrentOf("b", 0);
  session.join(whole);
  await settle();
  assert.deepEqual(client.take(), ["b started"]);
});

test("hurry() waits for the tracker's shortest interval, and then asks once", async (t) => {
  const { client, session, settle, advance } = sessionOf(t);
  const torrent = torrentOf("a", 5);
  session.join(torrent);
  await settle();
  client.take();
  for (let count = 0; count < 10; count++) session.hurry(torrent);
  await advance(4500);
  assert.deepEqual(client.take(), []);
  session.hurry(torrent);
  await advance(1000);
  assert.deepEqual(client.take(), ["a -"]);
});

test("a torrent that leaves says goodbye, also when its start is still under way", async (t) => {
  const { client, session, settle } = sessionOf(t);
  const [a, b] = [torrentOf("a"), torrentOf("b")];
  session.join(a);
  await settle();
  session.leave(a);
  session.join(b);
  session.leave(b);
  await settle();
  assert.deepEqual(client.take(), ["a started", "a stopped", "b started", "b stopped"]);
});

test("a torrent that is announced twice is one peer, until both have left", async (t) => {
  const { client, session, settle } = sessionOf(t);
  const [download, seed] = [torrentOf("a"), torrentOf("a")];
  session.join(download);
  await settle();
  session.join(seed);
  session.leave(download);
  await settle();
  assert.deepEqual(client.take(), ["a started", "a -"]);
  session.leave(seed);
  await settle();
  assert.deepEqual(client.take(), ["a stopped"]);
  session.join(download);
  await settle();
  assert.deepEqual(client.take(), ["a started"]);
});

test("while a tracker is down one torrent asks, with growing pauses; then all are announced anew", async (t) => {
  const { client, session, settle, advance, logger } = sessionOf(t);
  for (const name of "1234") session.join(torrentOf(name));
  await settle();
  client.take();
  client.state = "down";
  await advance(60_000);
  const whileDown = client.take().length;
  assert.ok(whileDown >= 3 && whileDown <= 6, String(whileDown));
  client.state = "up";
  await advance(70_000);
  // The one that found the tracker up is known there by that.
  assert.deepEqual(startsIn(client.take()), ["2 started", "3 started", "4 started"]);
  const messages = logger.lines.map(({ message }) => message);
  assert.deepEqual(messages, ["tracker does not answer", "tracker answers again"]);
});

test("a tracker that is another run is told everything anew; one that only missed a call is not", async (t) => {
  const { client, session, settle, advance } = sessionOf(t);
  client.generation = "first";
  for (const name of "1234") session.join(torrentOf(name));
  await settle();
  client.take();
  client.state = "down";
  await advance(31_000);
  client.state = "up";
  await advance(5000);
  assert.ok(client.take().length < 4);
  client.generation = "second";
  await advance(31_000);
  assert.equal(startsIn(client.take()).length, 3);
});

test("two trackers behind one URL are not told everything with each answer", async (t) => {
  const { client, session, settle, advance, logger } = sessionOf(t);
  client.generation = "first";
  for (const name of "12345678") session.join(torrentOf(name));
  await settle();
  client.take();
  client.alternates = true;
  await advance(200_000);
  // Renewals 30, 35, 45, 65, 105 and 185 seconds after the start, eight announces each.
  const asked = client.take().length;
  assert.ok(asked >= 40 && asked <= 60, String(asked));
  assert.equal(logger.lines.length, 1);
});

test("a refused torrent is tried again with growing pauses, and hinders no other", async (t) => {
  const { client, session, settle, advance } = sessionOf(t);
  client.state = "refusing";
  const torrent = torrentOf("a", 1);
  session.join(torrent);
  await advance(10_000);
  const tries = client.take();
  assert.ok(tries.length >= 3 && tries.length <= 5, String(tries.length));
  assert.ok(tries.every((event) => event === "a started"));
  client.state = "up";
  session.join(torrentOf("b"));
  await settle();
  assert.deepEqual(client.take(), ["b started"]);
});

test("the end says goodbye for all that are left, and frees the client", async (t) => {
  const { client, session, settle } = sessionOf(t);
  const torrents = ["1", "2", "3"].map((name) => torrentOf(name));
  for (const torrent of torrents) session.join(torrent);
  await settle();
  client.take();
  for (const torrent of torrents) session.leave(torrent);
  await session.end(t.signal);
  assert.deepEqual(client.take().sort(), ["1 stopped", "2 stopped", "3 stopped"]);
  assert.ok(client.disposed);
});

test("the end is cut off by its signal, and does not call a tracker that is down", async (t) => {
  const { client, session, settle, advance } = sessionOf(t);
  const torrent = torrentOf("a");
  session.join(torrent);
  await settle();
  client.state = "hanging";
  session.leave(torrent);
  const cut = new AbortController();
  const ended = session.end(cut.signal);
  await settle();
  assert.deepEqual(client.take(), ["a started", "a stopped"]);
  cut.abort();
  await ended;
  assert.ok(client.disposed);

  const other = anotherSession();
  other.client.state = "down";
  other.session.join(torrent);
  await settle();
  await advance(100);
  other.client.take();
  other.session.leave(torrent);
  await other.session.end(t.signal);
  assert.deepEqual(other.client.take(), []);
});

/** With the timers that are mocked already. */
function anotherSession() {
  const client = new ScriptedTracker();
  const deps = { client, clock: new ManualClock(), logger: new MemoryLogger(), random: () => 0.5 };
  return { client, session: new TrackerSession(deps) };
}
