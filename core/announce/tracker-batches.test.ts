import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { type InfoHash, parseInfoHash } from "../info-hash.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import type {
  AnnounceAnswer,
  AnnounceRequest,
  BatchAnswer,
  BatchRequest,
  TrackerClient,
} from "./tracker-client.ts";
import { TrackerSession } from "./tracker-session.ts";

/** A tracker that takes batches, does what a test tells it, and remembers what it was asked. */
class BatchTracker implements TrackerClient {
  readonly name = "scripted";
  readonly concurrencyMax = 2;
  readonly asked: string[] = [];
  /** Torrents that are taken neither alone nor together. */
  readonly refused = new Set<InfoHash>();
  batchTorrentsMax: number | undefined = 3;
  admission = 1;
  /** Whether answers to ordinary announces have it, too. */
  tellsAdmission = false;
  /** Which of these answers say that it was not told where we are. */
  wantsPlace: boolean[] = [];
  /** Two trackers behind one URL, or another address of ours with each request. */
  forgetsAlways = false;
  /** Whether the last goodbye was to all swarms. */
  isOut = false;
  /** What answers to batches wait for, after the tracker has taken them in. */
  batchAnswered: Promise<void> = Promise.resolve();
  state: "up" | "down" | "no-batches" | "failing-batches" = "up";

  /** What it was asked since the last look. */
  take(): string[] {
    return this.asked.splice(0);
  }

  async announce(request: AnnounceRequest): Promise<AnnounceAnswer> {
    this.asked.push(`${request.infoHash[0] ?? ""} ${request.event ?? "-"}`);
    await Promise.resolve();
    if (this.state === "down") throw new UnavailableError("Cannot reach it");
    if (this.refused.has(request.infoHash)) throw new AccessDeniedError("Cannot announce");
    const { batchTorrentsMax } = this;
    const intervals = { intervalMs: 100_000, intervalMinMs: 5000 };
    const admission = this.tellsAdmission ? this.admission : undefined;
    const wantsPlace = this.wantsPlace.shift() ?? false;
    return { generation: "one", peers: [], ...intervals, admission, wantsPlace, batchTorrentsMax };
  }

  async announceBatch({ seeding, stopped }: BatchRequest): Promise<BatchAnswer> {
    const [here, gone] = [seeding, stopped].map((torrents) =>
      torrents.map((torrent) => torrent[0]),
    );
    this.asked.push(`[${here?.join("") ?? ""}]-[${gone?.join("") ?? ""}]`);
    if (this.forgetsAlways) this.admission++;
    const admission = this.isOut ? undefined : this.admission;
    await this.batchAnswered;
    if (this.state === "down" || this.state === "failing-batches") {
      throw new UnavailableError("Cannot reach it");
    }
    if (this.state === "no-batches") throw new AccessDeniedError("Cannot do that");
    const { refused } = this;
    const told = { generation: "one", intervalMs: 100_000, heartbeatMs: 10_000 };
    return { ...told, admission, refused: new Set(refused) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is open.
  }
}

function torrentOf(name: string, left = 0): AnnouncedTorrent {
  return {
    ...{ infoHash: parseInfoHash(name.repeat(40)), port: 7002, onPeers: () => undefined },
    ...{ left: () => left, uploaded: () => 0, downloaded: () => 0 },
  };
}

function sessionOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = new BatchTracker();
  const clock = new ManualClock();
  const logger = new MemoryLogger();
  const session = cleanUpOf(t).use(
    new TrackerSession({ client, clock, logger, random: () => 0.5 }),
  );
  const settle = async () => {
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  };
  const advance = async (durationMs: number, stepMs = 100) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
      clock.advance(stepMs);
      t.mock.timers.tick(stepMs);
      await settle();
    }
  };
  const join = (names: string) => {
    for (const name of names) session.join(torrentOf(name));
  };
  return { client, session, logger, settle, advance, join };
}

test("torrents are announced together once a tracker says it takes them so", async (t) => {
  const { client, settle, join } = sessionOf(t);
  join("123456789");
  await settle();
  assert.deepEqual(client.take(), ["1 started", "2 started", "[345]-[]", "[678]-[]", "[9]-[]"]);
  join("abc");
  await settle();
  assert.deepEqual(client.take(), ["[a]-[]", "[bc]-[]"]);
});

test("who looks for peers is announced alone, and before others", async (t) => {
  const { client, session, settle, join } = sessionOf(t);
  join("1");
  await settle();
  client.take();
  join("23");
  session.join(torrentOf("a", 5));
  await settle();
  assert.deepEqual(client.take(), ["[2]-[]", "a started", "[3]-[]"]);
});

test("a sign of life is given at every heartbeat, and torrents come back together", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  join("1");
  await settle();
  // The first promises the others.
  assert.deepEqual(client.take(), ["1 started", "[]-[]"]);
  await advance(5000);
  join("2");
  await advance(25_000);
  assert.deepEqual(client.take(), ["[2]-[]", "[]-[]", "[]-[]"]);
  await advance(70_000);
  const asked = client.take();
  assert.ok(asked.length >= 6 && asked.length <= 8, asked.join(" "));
  assert.deepEqual(
    asked.filter((each) => each !== "[]-[]"),
    ["[12]-[]"],
  );
});

test("goodbyes go together, also at the end", async (t) => {
  const { client, session, settle, join } = sessionOf(t);
  const torrents = ["1", "2", "3", "4"].map((name) => torrentOf(name));
  join("a");
  await settle();
  for (const torrent of torrents) session.join(torrent);
  await settle();
  client.take();
  for (const torrent of torrents) session.leave(torrent);
  await session.end(t.signal);
  assert.deepEqual(client.take(), ["[]-[1]", "[]-[234]"]);
});

test("a tracker that forgot us says so by another admission, and is told everything anew", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  join("12345");
  await settle();
  client.take();
  client.admission = 2;
  await advance(11_000);
  assert.deepEqual(client.take(), ["[]-[]", "[123]-[]", "[45]-[]"]);
});

test("a tracker that forgot us while it took no batches says so to the next sign of life", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  client.tellsAdmission = true;
  join("12345");
  await settle();
  client.state = "no-batches";
  await advance(11_000);
  client.take();
  client.admission = 2;
  await advance(11_000);
  const [sign = "", ...anew] = client.take();
  const others = ["1", "2", "3", "4", "5"].filter((name) => sign !== `${name} -`);
  assert.equal(others.length, 4);
  assert.deepEqual(
    anew.sort(),
    others.map((name) => `${name} started`),
  );
});

test("torrents that look for nobody tell where they are in the first batch, which is due anyway", async (t) => {
  const { client, settle, join } = sessionOf(t);
  client.wantsPlace = [true, true];
  join("12");
  await settle();
  assert.deepEqual(client.take(), ["1 started", "2 started", "[12]-[]"]);
});

test("a tracker that forgets again and again is told everything anew ever more rarely, and warned of once", async (t) => {
  const { client, settle, advance, join, logger } = sessionOf(t);
  client.forgetsAlways = true;
  join("123456789");
  await settle();
  const atOnce = batchesIn(client.take()).length;
  assert.ok(atOnce <= 6, `${atOnce} batches at once`);
  // Renewals after 5, 15, 35, 75 and 155 seconds: three batches each.
  await advance(160_000);
  const later = batchesIn(client.take()).filter((batch) => batch !== "[]-[]").length;
  assert.ok(later >= 10 && later <= 25, `${later} batches`);
  assert.equal(logger.lines.length, 1);
  assert.match(logger.lines[0]?.message ?? "", /forgets again and again/);
});

test("a node that leaves its only swarm, and joins another, was not forgotten", async (t) => {
  const { client, session, settle, join, logger } = sessionOf(t);
  let torrent = torrentOf("1");
  session.join(torrent);
  await settle();
  for (const name of "23456789") {
    client.admission++;
    session.leave(torrent);
    await settle();
    torrent = torrentOf(name);
    session.join(torrent);
    await settle();
  }
  assert.deepEqual(logger.lines, []);
  client.take();
  client.admission++;
  join("a");
  await settle();
  assert.deepEqual(client.take(), ["[a]-[]", "[9]-[]"]);
});

test("a goodbye to all swarms beside the start of another is not taken for having been forgotten", async (t) => {
  const { client, session, settle } = sessionOf(t);
  client.tellsAdmission = true;
  const torrent = torrentOf("1");
  session.join(torrent);
  await settle();
  client.take();
  let answerBatch = () => {};
  client.batchAnswered = new Promise((resolve) => (answerBatch = resolve));
  client.isOut = true;
  session.leave(torrent);
  client.isOut = false;
  client.admission = 2;
  session.join(torrentOf("a", 5));
  await settle();
  answerBatch();
  await settle();
  assert.deepEqual(client.take(), ["[]-[1]", "a started"]);
});

test("a torrent that is refused is tried again later, and alone", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  client.refused.add(torrentOf("2").infoHash);
  join("1");
  await settle();
  join("234");
  await settle();
  assert.deepEqual(client.take(), ["1 started", "[]-[]", "[2]-[]", "[34]-[]"]);
  await advance(3500);
  assert.deepEqual(client.take(), ["[2]-[]", "[2]-[]"]);
});

test("a tracker that is down is probed by ordinary announces, and told by batches afterwards", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  join("12345");
  await settle();
  client.take();
  client.state = "down";
  await advance(12_000);
  assert.deepEqual(client.take(), ["[]-[]", "1 -"]);
  client.state = "up";
  client.admission = 2;
  await advance(5000);
  assert.deepEqual(client.take(), ["1 -", "[]-[]", "[123]-[]", "[45]-[]"]);
});

test("a tracker that refuses batches is announced to as any other", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  client.state = "no-batches";
  join("1234");
  await settle();
  const asked = client.take();
  assert.deepEqual(asked, ["1 started", "2 started", "[34]-[]", "3 started", "4 started"]);
  await advance(20_000);
  assert.deepEqual(client.take(), []);
});

test("one refused batch ends neither batches nor signs of life", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  join("12345");
  await settle();
  client.state = "no-batches";
  await advance(11_000);
  client.state = "up";
  client.take();
  // Signs of life were promised, so they are given by ordinary announces meanwhile.
  await advance(45_000);
  const meanwhile = client.take();
  assert.deepEqual(batchesIn(meanwhile), []);
  assert.ok(meanwhile.length >= 4 && meanwhile.length <= 6, meanwhile.join(" "));

  await advance(30_000);
  assert.ok(batchesIn(client.take()).length >= 2);
});

test("refusals are no signs of life", async (t) => {
  const { client, session, settle, advance, join } = sessionOf(t);
  join("1");
  await settle();
  client.state = "no-batches";
  for (const name of "6789") client.refused.add(torrentOf(name).infoHash);
  await advance(11_000);
  client.take();
  const signs = () => client.take().filter((asked) => asked === "1 -").length;
  for (const name of "6789") {
    session.join(torrentOf(name, 5));
    await advance(9000);
  }
  // One every 10 seconds was promised, however often others are refused,
  const early = signs();
  assert.ok(early >= 3, `${early} in 36 seconds`);
  // and when they wait longer for their next announce than that.
  await advance(200_000, 500);
  const late = signs();
  assert.ok(late >= 18, `${late} in 200 seconds`);
});

test("a tracker that refuses all batches is asked ever more rarely", async (t) => {
  const { client, advance, join } = sessionOf(t);
  client.state = "no-batches";
  join("1234");
  await advance(3_600_000, 2000);
  const batches = batchesIn(client.take()).length;
  assert.ok(batches >= 4 && batches <= 7, `${batches} batches in an hour`);
});

test("where batches alone fail, torrents are soon announced one by one, and batches tried ever more rarely", async (t) => {
  const { client, settle, advance, join, logger } = sessionOf(t);
  client.state = "failing-batches";
  join("123456789abcdef");
  await settle();
  await advance(5000);
  const first = client.take();
  assert.equal(new Set(startsIn(first)).size, 15, first.join(" "));
  assert.equal(batchesIn(first).length, 3);

  logger.lines.splice(0);
  await advance(1_800_000, 2000);
  const later = batchesIn(client.take()).length;
  assert.ok(later >= 3 && later <= 6, `${later} batches in half an hour`);
  assert.ok(logger.lines.length <= 3 * later, `${logger.lines.length} lines`);

  client.state = "up";
  await advance(1_800_000, 2000);
  const batches = batchesIn(client.take());
  assert.ok(batches.length > 30 && batches.some((batch) => batch !== "[]-[]"), batches.join(" "));
});

test("a tracker that was down a few times is told by batches as before", async (t) => {
  const { client, settle, advance, join } = sessionOf(t);
  join("12345");
  await settle();
  for (let outage = 0; outage < 5; outage++) {
    client.state = "down";
    await advance(12_000);
    client.state = "up";
    await advance(12_000);
    assert.ok(batchesIn(client.take()).length > 0, `outage ${outage}`);
  }
});

function startsIn(asked: readonly string[]): string[] {
  return asked.filter((each) => each.endsWith(" started"));
}

function batchesIn(asked: readonly string[]): string[] {
  return asked.filter((each) => each.startsWith("["));
}
