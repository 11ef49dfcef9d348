import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Refusal } from "./assignment.ts";
import { silenceBoundMs, stallBoundMs } from "./limits.ts";
import { WebSeed } from "./web-seed.ts";

const ignore = () => undefined;

const blob = blobFixture(100_000);
const { layout } = blob.metainfo;

/** A web seed that was asked for a blob of one piece, and gives of it what it is told to. */
async function owingWebSeed(t: TestContext) {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<ServerResponse>();
  const server = createServer((_, response) => {
    const range = `bytes 0-${layout.size - 1}/${layout.size}`;
    response.writeHead(206, { "content-range": range });
    asked.resolve(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const gaveUp = Promise.withResolvers<Refusal>();
  const came = Promise.withResolvers<undefined>();
  let isAssigned = false;
  const webSeed = new WebSeed({
    ...{ layout, agent: new Agent(), now: () => clock.monotonicMs() },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/blob`,
    openPassage: () => new HostLimits().passage(["download"], { flow: "" }),
    owner: {
      assign: () => {
        if (isAssigned) return undefined;
        isAssigned = true;
        return { index: 0, buffer: Buffer.alloc(layout.size) };
      },
      onPiece: () => came.resolve(undefined),
      onGaveUp: (_, __, refusal) => gaveUp.resolve(refusal),
      ...{ onClosed: ignore, onFault: (_, error) => assert.fail(String(error)) },
    },
  });
  cleanUpOf(t).defer(() => {
    webSeed.close("the test is over");
    server.closeAllConnections();
    server.close();
  });
  webSeed.fill();
  const response = await asked.promise;
  let sent = 0;
  const giveAfter = async (durationMs: number, length: number) => {
    clock.advance(durationMs);
    response.write(blob.bytes.subarray(sent, sent + length));
    sent += length;
    if (sent === layout.size) response.end();
    while (webSeed.bytesGiven < sent) await new Promise((resolve) => setImmediate(resolve));
    webSeed.tick(clock.monotonicMs());
  };
  return { webSeed, giveAfter, gaveUp: gaveUp.promise, came: came.promise };
}

test("a web seed that gives single bytes is stalled, and its request ends", async (t) => {
  const { webSeed, giveAfter, gaveUp } = await owingWebSeed(t);
  await giveAfter(stallBoundMs - 1, 1);
  assert.equal(webSeed.stalled, false);
  await giveAfter(1, 1);
  assert.equal(webSeed.stalled, true);
  await giveAfter(silenceBoundMs - stallBoundMs + 1, 1);
  assert.equal((await gaveUp).isExpected, false);
});

test("a web seed that gives slowly, and then all, is not stalled", async (t) => {
  const { webSeed, giveAfter, came } = await owingWebSeed(t);
  for (let count = 0; count < 3; count++) {
    await giveAfter(stallBoundMs - 1, 20_000);
    assert.equal(webSeed.stalled, false);
  }
  await giveAfter(stallBoundMs - 1, 40_000);
  await came;
});
