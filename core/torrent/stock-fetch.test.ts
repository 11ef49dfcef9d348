import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import type { PeerAddress } from "../peer-address.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { StockFetch, type StockFetchDeps } from "./stock-fetch.ts";

const { metainfo } = blobFixture(1000);
const address = (port: number): PeerAddress => ({ host: "127.0.0.1", port });

type Fetch = StockFetchDeps["stockPeers"]["fetch"];

function stockFetch(fetch: Fetch) {
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  const io = { read: () => Promise.resolve(), take: () => Promise.resolve() };
  return {
    warnings,
    started: new StockFetch({ metainfo, stockPeers: { fetch }, ...io, onWarning }),
  };
}

test("stock clients that are met while others are asked are asked as well", async () => {
  const asked: PeerAddress[] = [];
  const { started } = stockFetch(async ({ onReady }, { signal }) => {
    onReady((peer) => asked.push(peer));
    await once(signal, "abort");
  });
  started.start();
  started.add(address(1));
  assert.deepEqual(asked, [], "nobody was known");
  for (let count = 0; count < 2; count++) started.start();
  started.add(address(2));
  assert.deepEqual(asked, [address(1), address(2)]);
  await started[Symbol.asyncDispose]();
});

test("stock clients are asked anew after others had the blob in hand, and not after a failure", async () => {
  const outcomes = [() => Promise.resolve(), () => Promise.reject(new Error("no such module"))];
  const { started, warnings } = stockFetch(() => outcomes.shift()?.() ?? Promise.resolve());
  started.add(address(1));
  for (const left of [1, 0, 0]) {
    started.start();
    assert.equal(outcomes.length, left);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(warnings, ["cannot fetch from stock peers"]);
  outcomes.push(() => Promise.resolve());
  started.start();
  assert.equal(outcomes.length, 1);
  await started[Symbol.asyncDispose]();
});
