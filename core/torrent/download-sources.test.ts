import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { DialSlots } from "./dial-slots.ts";
import { DownloadPeers } from "./download-peers.ts";
import { DownloadSources } from "./download-sources.ts";

const torrent = blobFixture(1000).metainfo;
const { layout } = torrent;
const ignore = () => undefined;

test("DownloadSources asks no more than 8 web seeds, whatever it is told", async (t) => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(200, { "content-length": layout.size }).end();
  }).listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const urls = Array.from({ length: 30 }, (_, index) => `http://127.0.0.1:${port}/${index}`);
  const owner = {
    ...{ assign: ignore, onPiece: ignore, onGaveUp: ignore, onClosed: ignore, onFault: ignore },
    ...{ onOpen: ignore, onHave: ignore, onBegun: ignore, onIntent: ignore },
  };
  const now = () => 0;
  const self = { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 };
  const receiveBuffer = Buffer.alloc(1);
  const openPassage = () => new HostLimits().passage(["download"], { flow: "" });
  const peers = new DownloadPeers({
    ...{
      torrent,
      peersPerBlobMax: 32,
      dialSlots: new DialSlots({ connectionsMax: 100, connectionsPerHostMax: 100, onFree: ignore }),
      isAhead: () => false,
      peerId: createPeerId(),
      self,
      receiveBuffer,
      openPassage,
      now,
      random: Math.random,
      owner,
    },
  });
  const sources = new DownloadSources({
    peers,
    urls,
    layout,
    askOrigin: undefined,
    owner,
    agent: new Agent(),
    now,
    openPassage,
  });
  await new Promise<void>((resolve) => {
    let answers = 0;
    sources.probe(() => {
      if (++answers === 8) resolve();
    });
  });
  assert.equal(asked.length, 8);
  assert.equal(sources.goodCount, 8);
  sources.close("the test is over");
  assert.equal(sources.goodCount, 0);
});
