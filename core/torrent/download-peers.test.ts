import assert from "node:assert/strict";
import { test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { DownloadPeers } from "./download-peers.ts";

const ignore = () => undefined;

test("a download dials no more peers at once than it may", (t) => {
  const owner = {
    ...{ assign: ignore, onPiece: ignore, onGaveUp: ignore, onClosed: ignore, onFault: ignore },
    ...{ onOpen: ignore, onHave: ignore, onIntent: ignore },
  };
  const peers = new DownloadPeers({
    ...{ torrent: blobFixture(1000).metainfo, peersPerBlobMax: 2, peerId: createPeerId() },
    self: { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 },
    receiveBuffer: Buffer.alloc(1),
    openPassage: () => new HostLimits().passage(["download"], { flow: "" }),
    ...{ now: () => 0, owner },
  });
  t.after(() => {
    for (const client of peers.clients) client.close("the test is over");
  });
  peers.add([1, 2, 3, 4, 5].map((port) => ({ host: "127.0.0.1", port })));
  peers.dial();
  assert.equal(peers.clients.size, 2);
  peers.dial();
  assert.equal(peers.clients.size, 2);
});
