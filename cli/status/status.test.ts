import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import type { ServiceStatus } from "../../core/service-status.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { exitCodes } from "../exit-code.ts";
import { runProgram } from "../program.ts";
import { capturedContext } from "../testing/captured-context.ts";
import { serveHttp } from "../testing/http-fixture.ts";
import { renderStatus } from "./render-status.ts";

const received = { peers: 2048, seeders: 0, webSeeds: 1024 };
const digest = `sha256:${"ab".repeat(32)}`;

const status: ServiceStatus = {
  service: "content-proxy",
  version: "0.1.0",
  uptimeMs: 125_000,
  blobs: { owned: 3, cached: 1, arriving: 1, bytes: 4096, budgetBytes: 2 ** 30 },
  ingests: [{ ref: `k8s.io/1/layer-${digest}`, bytes: 512, size: 1024, from: "swarm" }],
  swarms: [
    {
      infoHash: "0".repeat(40),
      digest,
      size: 4096,
      bytesDone: 3072,
      peers: 4,
      uploadedBytes: 7,
      received,
    },
  ],
  sources: [
    { kind: "tracker", name: "http://t:6969", up: true },
    { kind: "seeder", name: "http://s:7072", up: false, bytes: 10, problem: "connection refused" },
    { kind: "origin", name: "registry:5000" },
  ],
  traffic: { received, originBytes: 99, uploadedBytes: 7 },
  limits: [
    { name: "upload", bytesPerSecond: 50 * 2 ** 20, bytes: 7 },
    { name: "origin", bytesPerSecond: 2 ** 20, bytes: 99 },
  ],
};

const layers: ServiceStatus["layers"] = [
  { chainId: digest, digest, state: "failed", bytes: 1, size: 4096, entries: 1 },
];

async function shoal(args: readonly string[], context = capturedContext()) {
  const exitCode = await runProgram(["status", ...args], context);
  return { exitCode, ...context.text() };
}

test("renderStatus() shows blobs, traffic and the lists in columns", () => {
  assert.equal(
    renderStatus(status),
    `content-proxy 0.1.0, up 2m 05s
blobs      3 owned, 1 cached, 1 arriving, 4.00 KiB (budget 1.00 GiB)
traffic    2.00 KiB from peers, 0 B from seeders, 1.00 KiB from web seeds, 99 B from registries, 7 B given
limits     upload 50.0 MiB/s, origin 1.00 MiB/s

INGEST                              FROM    DONE      SIZE
k8s.io/1/layer-sha256:abababababab  swarm  512 B  1.00 KiB  50 %

SWARM                    SIZE        PEERS  RECEIVED  GIVEN
sha256:abababababab  4.00 KiB  75 %      4  3.00 KiB    7 B

SOURCE         KIND     STATE          RECEIVED
http://t:6969  tracker  up
http://s:7072  seeder   down               10 B  connection refused
registry:5000  origin   not asked yet
`,
  );
});

test("renderStatus() shows how far each layer is, and how fast it goes", () => {
  const layer = { chainId: digest, digest, size: 4096 };
  const text = renderStatus({
    service: "content-proxy",
    version: "0.1.0",
    uptimeMs: 0,
    layers: [
      { ...layer, state: "arriving", bytes: 1024, bytesPerSecond: 2 ** 21, entries: 12 },
      { ...layer, state: "waiting", bytes: 0 },
      { ...layer, state: "done", bytes: 4096, bytesPerSecond: 2 ** 20, entries: 345 },
    ],
  });
  assert.equal(
    text,
    `content-proxy 0.1.0, up 0.0 s

LAYER                STATE         DONE      SIZE               RATE  ENTRIES
sha256:abababababab  arriving  1.00 KiB  4.00 KiB   25 %  2.00 MiB/s       12
sha256:abababababab  waiting        0 B  4.00 KiB    0 %
sha256:abababababab  done      4.00 KiB  4.00 KiB  100 %  1.00 MiB/s      345
`,
  );
});

test("renderStatus() of a tracker shows its directory and who is in which swarm", () => {
  const [swarm] = status.swarms ?? [];
  assert.ok(swarm);
  const text = renderStatus({
    service: "tracker",
    version: "0.1.0",
    uptimeMs: 0,
    swarms: [swarm, { ...swarm, digest: "", size: 0, peers: 9 }],
    directory: { entries: 2, entriesMax: 10, bytes: 2048, bytesMax: 4096 },
  });
  assert.match(text, /^directory {2}2 of at most 10 blobs, 2.00 KiB of 4.00 KiB$/m);
  assert.match(text, /^0{40} +\? +9\nsha256:abababababab +4.00 KiB +4$/m);
});

test("renderStatus() shows the beginning of a long list", () => {
  const [swarm] = status.swarms ?? [];
  assert.ok(swarm);
  const text = renderStatus({ ...status, swarms: new Array<typeof swarm>(50).fill(swarm) });
  assert.match(text, /^… and 30 more$/m);
});

test("status asks the service, and prints what it says as JSON too", async (t) => {
  const answer = { ...status, layers, future: 1 };
  const url = await serveHttp(t, (request, response) => {
    response.end(request.url === "/v1/status" ? JSON.stringify(answer) : "");
  });
  const table = await shoal(["--url", `${url}/`]);
  assert.deepEqual([table.exitCode, table.stdout], [exitCodes.ok, renderStatus(answer)]);
  const json = await shoal(["--url", url, "--json"]);
  assert.deepEqual(JSON.parse(json.stdout), answer);
});

test("status finds the service by its configuration", async (t) => {
  const url = await serveHttp(t, (_, response) => response.end(JSON.stringify(status)));
  const file = join(testFolder(t), "a.yaml");
  const { host } = new URL(url);
  const configs = [
    `service: content-proxy\nadmin:\n  listen: ${host}\n`,
    `service: tracker\nlisten:\n  http: ${host.replace("127.0.0.1", "0.0.0.0")}\n`,
    `service: seeder\nlisten: ${host}\n`,
  ];
  for (const config of configs) {
    await writeFile(file, config);
    assert.equal((await shoal(["--config", file])).exitCode, exitCodes.ok, config);
  }
  await writeFile(file, "trackers: []\n");
  assert.equal((await shoal(["--config", file])).exitCode, exitCodes.usage);
});

test("status of what is no service of ours, or not there, is a failure with its reason", async (t) => {
  const answers = { "<html>": /Cannot read the status/, "{}": /no service of this kind/ };
  for (const [answer, reason] of Object.entries(answers)) {
    const url = await serveHttp(t, (_, response) => response.end(answer));
    const { exitCode, stderr } = await shoal(["--url", url]);
    assert.equal(exitCode, exitCodes.failure);
    assert.match(stderr, reason);
  }
  const refusing = await serveHttp(t, (_, response) => {
    response.writeHead(503).end(JSON.stringify({ error: { message: "still starting" } }));
  });
  assert.match((await shoal(["--url", refusing])).stderr, /still starting/);
  const endless = await serveHttp(t, (_, response) => {
    const fill = () => {
      while (response.write("x".repeat(65_536)));
    };
    response.on("drain", fill);
    fill();
  });
  assert.match((await shoal(["--url", endless])).stderr, /too long/);
  const gone = await serveHttp(t, (request) => request.socket.destroy());
  assert.match((await shoal(["--url", gone])).stderr, /Cannot reach/);
});

test("a service that does not run is told, with what to look at", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  // Nobody else can have the port of this end, and nothing listens at it.
  const socket = connect(port, "127.0.0.1");
  cleanUpOf(t).defer(() => socket.destroy());
  await once(socket, "connect");
  const { exitCode, stderr } = await shoal(["--url", `http://127.0.0.1:${socket.localPort}`]);
  assert.equal(exitCode, exitCodes.failure);
  const told = "ECONNREFUSED.*; is the service running, and is that its address";
  assert.match(stderr, new RegExp(`^shoal: Cannot reach .*${told}`));
});

test("status --watch shows it again until it is stopped", async (t) => {
  const url = await serveHttp(t, (_, response) => response.end(JSON.stringify(status)));
  const stop = new AbortController();
  const context = capturedContext({
    isTerminal: true,
    signal: stop.signal,
    onWrite: () => stop.abort(),
  });
  const { exitCode, stdout } = await shoal(["--url", url, "--watch"], context);
  assert.equal(exitCode, exitCodes.interrupted);
  assert.equal(stdout, `\u001b[H\u001b[J${renderStatus(status)}`);
});
