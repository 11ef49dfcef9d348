import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type Socket, createServer } from "node:net";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { withoutIpv6 } from "../testing/without-ipv6.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { greeting, honestly, listen, parseRequests } from "./scripted-peer.test-support.ts";
import { encodeSignal } from "./wire-message.ts";

const blob = blobFixture(3 * 1024 * 1024);

test(
  "a node with addresses of both families is asked by one of them",
  {
    skip: withoutIpv6,
  },
  async (t) => {
    const sockets = new Set<Socket>();
    const waiting: (() => void)[] = [];
    let connections = 0;
    // Nobody is answered before both connections were there, and one of them is gone again.
    const goOn = () => {
      if (connections < 2 || sockets.size > 1) return;
      for (const answer of waiting.splice(0)) answer();
    };
    const hello = Buffer.concat([greeting(blob), encodeSignal("unchoke")]);
    const server = createServer((socket) => {
      connections++;
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        goOn();
      });
      socket.write(hello);
      parseRequests(socket, (block, answer) => {
        waiting.push(() => honestly(blob)(block, answer, socket));
        goOn();
      });
    });
    const { port } = await listen(t, server, sockets, "::");
    const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs: 20_000 }), t);
    const peers = ["127.0.0.1", "::1"].map((host) => ({ host, port }));
    const wanted = await bench.wanted(blob, { peers });

    await bench.download(await bench.node(), wanted).whole();

    assert.deepEqual(await readFile(wanted.path), blob.bytes);
  },
);
