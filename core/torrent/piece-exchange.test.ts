import assert from "node:assert/strict";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { ArrivingBlob } from "./arriving-blob.ts";
import type { Assignment, PieceSource } from "./assignment.ts";
import { BufferPool } from "./buffer-pool.ts";
import { DownloadShares, type PieceBuffers } from "./download-shares.ts";
import { OriginNeed } from "./origin-need.ts";
import { PieceChoice } from "./piece-choice.ts";
import { PieceExchange } from "./piece-exchange.ts";
import { PieceGivers } from "./piece-givers.ts";
import { PieceHashes } from "./piece-hashes.ts";
import { PiecePicker } from "./piece-picker.ts";
import { WebSeedNeed } from "./web-seed-need.ts";

const ignore = () => undefined;

const blob = blobFixture(5 * 1024 * 1024);
const { layout } = blob.metainfo;
const { pieceCount, pieceLength } = layout;

/** A source with all pieces that takes what it is assigned, up to `roomFor` pieces. */
class Source implements PieceSource {
  readonly kind = "peers";
  readonly name: string;
  readonly whole = false;
  readonly isFar: boolean;
  readonly gaveAtMs = 0;
  readonly rate = 1e6;
  readonly exchange: PieceExchange;
  readonly assigned = new Map<number, Assignment>();
  readonly begun = new Set<number>();
  stalled = false;
  roomFor = 0;

  constructor(name: string, exchange: PieceExchange, { isFar = false } = {}) {
    this.name = name;
    this.exchange = exchange;
    this.isFar = isFar;
  }

  has(index: number): boolean {
    return !this.assigned.has(index);
  }

  bytesUntil(): number {
    return pieceLength;
  }

  waitedMs(index: number): number | undefined {
    return this.begun.has(index) ? undefined : 500;
  }

  fill(): void {
    while (this.assigned.size < this.roomFor) {
      const assignment = this.exchange.assign(this);
      if (!assignment) return;
      this.assigned.set(assignment.index, assignment);
    }
  }

  cancel(index: number): Buffer | undefined {
    const buffer = this.assigned.get(index)?.buffer;
    this.assigned.delete(index);
    return buffer;
  }

  close(): void {
    this.assigned.clear();
  }
}

function setUp(buffers: PieceBuffers = new BufferPool(64 * 1024 * 1024)) {
  const picker = new PiecePicker({ pieceCount, random: () => 0 });
  const givers = new PieceGivers();
  const supply = {
    webSeedNeed: new WebSeedNeed({ nowMs: 0, knowsPeers: true }),
    originNeed: new OriginNeed({ silenceMs: 6000 }),
  };
  const choice = new PieceChoice({
    ...{ layout, picker, givers, supply },
    ...{ isCrowd: () => false, secondsLeft: () => 0 },
  });
  const hashes = new PieceHashes(blob.metainfo);
  const exchange = new PieceExchange({
    ...{ layout, hashes, picker, givers, choice },
    blob: new ArrivingBlob(blob.metainfo, hashes),
    buffers,
    events: {
      ...{ onPiece: ignore, onBytes: ignore, onIntent: ignore },
      ...{ onGoodSources: ignore, onOriginWanted: ignore, onHurry: ignore },
      ...{ onWarning: ignore, onDetail: ignore, onFault: ignore },
    },
    ...{ onWrongPiece: ignore, onRightPiece: ignore, onWritten: ignore, onWriteFailed: ignore },
  });
  return { picker, givers, choice, exchange };
}

test("who was asked for a piece that has come from another is not asked for it again", () => {
  const { picker, exchange, choice } = setUp();
  const [slow, fast] = [new Source("slow", exchange), new Source("fast", exchange)];
  slow.roomFor = 1;
  slow.fill();
  const [index] = [...slow.assigned.keys()];
  assert.ok(index !== undefined);
  for (let other = 0; other < pieceCount; other++) if (other !== index) picker.done(other);
  slow.stalled = true;
  choice.noteStalls(true);
  fast.roomFor = 1;
  fast.fill();
  const assignment = fast.assigned.get(index);
  assert.ok(assignment);
  slow.stalled = false;
  blob.bytes.copy(assignment.buffer, 0, index * pieceLength, (index + 1) * pieceLength);
  fast.assigned.clear();
  exchange.take(fast, assignment);
  assert.deepEqual([...slow.assigned.keys()], []);
});

test("what a far source does not give leaves its place over the border to others", () => {
  const { picker, exchange, choice } = setUp();
  picker.addPartialPeer({});
  const [hung, other] = ["hung", "other"].map(
    (name) => new Source(name, exchange, { isFar: true }),
  );
  assert.ok(hung && other);
  hung.roomFor = pieceCount;
  hung.fill();
  assert.equal(hung.assigned.size, 16);
  other.roomFor = 1;
  other.fill();
  assert.equal(other.assigned.size, 0);
  hung.stalled = true;
  choice.noteStalls(true);
  other.fill();
  assert.equal(other.assigned.size, 1);
});

test("a download that began before another, and takes pieces faster than it can write, leaves it room", () => {
  const shares = new DownloadShares(new BufferPool(9 * pieceLength));
  const [first, second] = [1, 2].map(() => {
    const source: Source = new Source("source", setUp(shares.open(() => source.fill())).exchange);
    source.roomFor = pieceCount;
    source.fill();
    return source;
  });
  assert.ok(first && second);
  assert.deepEqual([first.assigned.size, second.assigned.size], [6, 2]);
  for (const assignment of [...first.assigned.values()].slice(0, 3)) {
    first.assigned.delete(assignment.index);
    first.exchange.giveUp(first, assignment);
  }
  assert.deepEqual([first.assigned.size, second.assigned.size], [4, 3]);
});

test("who begins to give a piece that a reader waits for keeps it, and others get another one", () => {
  const { picker, exchange } = setUp();
  picker.addReader(1, 2);
  const [busy, free] = [new Source("busy", exchange), new Source("free", exchange)];
  for (const each of [busy, free]) {
    each.roomFor = 1;
    each.fill();
    assert.deepEqual([...each.assigned.keys()], [2], each.name);
  }
  free.begun.add(2);
  exchange.begun(free, 2);
  assert.deepEqual([...free.assigned.keys()], [2]);
  assert.deepEqual([...busy.assigned.keys()], [3]);
});
