import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { PieceSource } from "./assignment.ts";
import { encodeIntent, intentMessageId } from "./extended-handshake.ts";
import { silenceBoundMs, stallBoundMs, tickMs } from "./limits.ts";
import { OriginNeed } from "./origin-need.ts";
import { PieceChoice } from "./piece-choice.ts";
import { PieceClient } from "./piece-client.ts";
import { PieceGivers } from "./piece-givers.ts";
import { PiecePicker } from "./piece-picker.ts";
import { type OnRequest, framed, scriptedPeer } from "./scripted-peer.test-support.ts";
import { WebSeedNeed } from "./web-seed-need.ts";
import { encodeBitfield, encodeExtended, encodeHave, encodeSignal } from "./wire-message.ts";

const blob = blobFixture(100_000);
const { infoHash, layout } = blob.metainfo;

/** The longest that a transfer may stand still because of one source, in milliseconds. */
const promisedBoundMs = 2000;

const ignore = () => undefined;

/** A peer that owes the only piece of a blob, and who may be asked for it instead. */
async function owingPeer(
  t: TestContext,
  script: { readonly afterGreeting?: Buffer; readonly whole?: boolean } = {},
) {
  const clock = new ManualClock();
  const picker = new PiecePicker({ pieceCount: layout.pieceCount, random: () => 0 });
  const givers = new PieceGivers();
  const supply = {
    webSeedNeed: new WebSeedNeed({ nowMs: clock.monotonicMs(), knowsPeers: true }),
    originNeed: new OriginNeed({ silenceMs: silenceBoundMs }),
  };
  const choice = new PieceChoice({
    ...{ layout, picker, givers, supply },
    ...{ isCrowd: () => false, secondsLeft: () => 0 },
  });
  const asked = Promise.withResolvers<Parameters<OnRequest>>();
  const closed = Promise.withResolvers<string>();
  const onRequest: OnRequest = (...request) => asked.resolve(request);
  const peer = await scriptedPeer(t, blob, { onRequest, ...script });
  const client = new PieceClient({
    ...{ address: peer.address, infoHash, layout, isGrowing: false, isDoubtful: false },
    self: { blockLengthMax: 1 << 18, dedicatedSeeder: false, listenPort: 1, whole: false },
    ...{ peerId: createPeerId(), now: () => clock.monotonicMs() },
    receiveBuffer: Buffer.alloc(65_536),
    passage: new HostLimits().passage(["download"], { flow: infoHash }),
    isTwin: () => false,
    owner: {
      ...{
        onOpen: ignore,
        onHave: ignore,
        onBegun: ignore,
        onIntent: ignore,
        onPiece: ignore,
        onGaveUp: ignore,
      },
      assign: (source) => {
        const index = choice.next(source);
        if (index === undefined) return undefined;
        givers.add(index, source);
        return { index, buffer: Buffer.alloc(layout.size) };
      },
      onClosed: (_, __, reason) => closed.resolve(reason),
      onFault: (_, error) => assert.fail(String(error)),
    },
  });
  cleanUpOf(t).defer(() => client.close("the test is over"));
  const tickAfter = (durationMs: number) => {
    clock.advance(durationMs);
    client.tick(clock.monotonicMs());
    choice.noteStalls(client.stalled);
  };
  return { client, choice, asked: asked.promise, closed: closed.promise, tickAfter };
}

/** Another peer that has the whole blob, and of which nothing more is known. */
const other: PieceSource = {
  ...{ kind: "peers", name: "other", whole: true, stalled: false, gaveAtMs: -Infinity, rate: 0 },
  ...{ has: () => true, bytesUntil: () => 0, fill: ignore, cancel: ignore, close: ignore },
};

test("the pieces of a peer that hangs are given to others within two seconds", async (t) => {
  const { client, choice, asked, tickAfter } = await owingPeer(t);
  await asked;
  tickAfter(stallBoundMs - 1);
  assert.equal(client.stalled, false);
  assert.equal(choice.next(other), undefined);
  tickAfter(1);
  assert.equal(client.stalled, true);
  assert.equal(choice.next(other), 0);
});

test("the bound for a peer that hangs, and one look at it more, are within two seconds", () => {
  assert.ok(stallBoundMs + tickMs < promisedBoundMs);
});

test("a peer that hangs for longer is hung up on", async (t) => {
  const { asked, closed, tickAfter } = await owingPeer(t);
  await asked;
  tickAfter(silenceBoundMs);
  tickAfter(1);
  assert.equal(await closed, "silent for too long");
});

test("a peer that gives a part of a block has the bound start anew", async (t) => {
  const { client, asked, tickAfter } = await owingPeer(t);
  const [block, , socket] = await asked;
  tickAfter(stallBoundMs - 1);
  const bytes = blob.bytes.subarray(block.begin, block.begin + block.length);
  socket.write(framed(block, bytes).subarray(0, bytes.length / 2));
  while (client.gaveAtMs === -Infinity) await new Promise((resolve) => setImmediate(resolve));
  tickAfter(stallBoundMs - 1);
  assert.equal(client.stalled, false);
  tickAfter(1);
  assert.equal(client.stalled, true);
});

test("a peer that came with all pieces is whole, and one that got them meanwhile is one of many", async (t) => {
  const came = await owingPeer(t);
  await came.asked;
  assert.deepEqual([came.client.whole, came.client.hasAll], [true, true]);
  const afterGreeting = Buffer.concat([
    ...[encodeBitfield(Buffer.of(0)), encodeHave(0), encodeSignal("unchoke")],
  ]);
  const became = await owingPeer(t, { whole: false, afterGreeting });
  await became.asked;
  assert.deepEqual([became.client.whole, became.client.hasAll], [false, true]);
});

test("what a peer with all pieces says that others get from it is known", async (t) => {
  const intent = encodeExtended(intentMessageId, encodeIntent(0, true));
  const { client, asked } = await owingPeer(t, {
    afterGreeting: Buffer.concat([encodeSignal("unchoke"), intent]),
  });
  await asked;
  while (!client.given) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...client.given], [0]);
});
