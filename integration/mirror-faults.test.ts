import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { type FrontCall, startFront } from "./support/front.ts";
import type { ImagePlan } from "./support/image.ts";
import { preheat } from "./support/preheat.ts";
import { startTestCluster } from "./support/test-cluster.ts";

const megabyte = 1_000_000;

/** Two layers and a config. */
const blobsPerImage = 3;

/** An image that is quickly pulled; its layers are given by more than one piece. */
function faultImage(seed: string): ImagePlan {
  return {
    seed,
    layers: [
      { compression: "gzip", sizeBytes: 2 * megabyte, of: "random" },
      { compression: "gzip", sizeBytes: 1 * megabyte, of: "random" },
    ],
  };
}

/** A pull ends in this time whatever is wrong, and mostly in a few seconds. */
const pullTimeoutMs = 60_000;

/** containerd has its own content store and asks the mirror; all reach the registry by a front. */
for (const line of ["1.6", "2.x"] as const) {
  test(`a pull by containerd ${line} through the mirror when something is wrong`, async (t) => {
    const cluster = await startTestCluster(t, {
      ...({ line, nodes: ["node1"], mirror: "alone" } as const),
      ...{ guests: ["front"], front: "front", isHasty: true },
    });
    const { seeder, tracker, registry } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder && tracker);
    const { containerd, proxy } = node;
    const on = cluster.network.host("front");
    const front = cluster.stack.use(await startFront({ on, behind: registry.endpoint }));
    const pushed = async (seed: string): Promise<string> => {
      front.behave();
      const { reference } = await cluster.push(faultImage(seed));
      return reference.replace(registry.host, front.host);
    };
    const pull = (reference: string) =>
      containerd.pull(reference, { signal: AbortSignal.timeout(pullTimeoutMs) });
    /**
     * Each blob may be wrong once. containerd keeps what it has of one and resumes on it, so
     * that each later pull fails, too, until somebody removes it.
     */
    const pullAtLast = async (reference: string) => {
      for (let wrong = 0; wrong < blobsPerImage; wrong++) {
        try {
          await pull(reference);
          return;
        } catch (error) {
          assert.match(String(error), /commit digest/);
          await removeIngests(node.storePath);
        }
      }
      await pull(reference);
    };
    const assertRuns = async (reference: string) => {
      assert.equal(await containerd.runContainer(reference, ["echo", "up"]), "up\n");
    };
    const remove = (reference: string) => containerd.ctr(["images", "rm", "--sync", reference]);

    /** Faults that only our services meet: containerd by itself would have its image. */
    const ours: Readonly<Record<string, (call: FrontCall) => Promise<void> | void>> = {
      "gives a blob of another length": async ({ request, response, pass, path }) => {
        if (!path.includes("/blobs/") || request.method !== "GET") return pass();
        response.writeHead(200, { "content-length": 10 }).end("0123456789");
      },
      "gives blobs of other bytes": async ({ request, response, pass, path }) => {
        if (!path.includes("/blobs/") || request.method !== "GET") return pass();
        response.writeHead(200, { "content-length": 2 * megabyte });
        response.end(Buffer.alloc(2 * megabyte, "x"));
      },
      "gives a manifest of other bytes": async ({ request, response, pass, path }) => {
        if (!path.includes("/manifests/sha256:") || request.method !== "GET") return pass();
        response.end("{}");
      },
      "sends for blobs to a host that is dead": async ({ response, pass, path }) => {
        if (!path.includes("/blobs/")) return pass();
        response.writeHead(307, { location: `http://${on.address}:9${path}` }).end();
      },
      "breaks off in each blob": async ({ response, pass, path }) => {
        if (!path.includes("/blobs/")) return pass();
        response.writeHead(200, { "content-length": 2 * megabyte }).write("x");
        setImmediate(() => response.destroy());
      },
      "is unavailable for long": ({ response }) => {
        response.writeHead(503, { "retry-after": "3600" }).end();
      },
      "says nothing": () => undefined,
    };
    for (const [what, fault] of Object.entries(ours)) {
      await t.test(`ends right when the registry ${what} to our services`, async () => {
        const reference = await pushed(what);
        let faultsMet = 0;
        front.behave((call) => {
          if (call.isEngine) return call.pass();
          faultsMet++;
          return fault(call);
        });
        await pull(reference);
        await assertRuns(reference);
        assert.ok(faultsMet > 0);
      });
    }

    for (const status of [429, 503]) {
      await t.test(
        `ends right when the registry says ${status} once, and when to come again`,
        async () => {
          const reference = await pushed(`${status}`);
          const refused = new Set<string>();
          front.behave(async ({ isEngine, request, response, path, pass }) => {
            const key = `${request.method ?? ""} ${path}`;
            // containerd 1.6 by itself gives up at 503.
            if (refused.has(key) || (isEngine && status === 503)) return pass();
            refused.add(key);
            response.writeHead(status, { "retry-after": "1" }).end();
          });
          await pull(reference);
          await assertRuns(reference);
        },
      );
    }

    await t.test("ends right when a token expires in the middle of a blob", async () => {
      const reference = await pushed("token");
      const first = { token: "first", isCut: false };
      front.behave(async (call) => {
        const { isEngine, request, response, path, pass } = call;
        const token = first.isCut ? "second" : first.token;
        if (path === "/token") {
          response.end(JSON.stringify({ token, expires_in: 300 }));
          return;
        }
        if (request.headers.authorization !== `Bearer ${token}`) {
          const realm = `Bearer realm="http://${front.host}/token",service="front"`;
          response.writeHead(401, { "www-authenticate": `${realm},scope="repository:x:pull"` });
          response.end();
          return;
        }
        delete request.headers.authorization;
        if (isEngine || first.isCut || !path.includes("/blobs/") || request.method !== "GET") {
          return pass();
        }
        await cutInTheMiddle(call, () => (first.isCut = true));
      });
      await pull(reference);
      await assertRuns(reference);
      assert.ok(first.isCut);
    });

    await t.test("ends with containerd's own error when the registry lies to all", async () => {
      const reference = await pushed("lie to all");
      front.behave(async ({ request, response, pass, path }) => {
        if (!path.includes("/blobs/") || request.method !== "GET") return pass();
        response.end("not what it should be");
      });
      await assert.rejects(pull(reference), /failed commit|unexpected|digest|size/i);
      front.behave();
      await pullAtLast(reference);
      await assertRuns(reference);
    });

    await t.test(
      "of an image that the cluster has ends right when the registry is down",
      async () => {
        const known = await pushed("known");
        await preheat(known, { seeder });
        await pull(known);
        const unknown = await pushed("unknown");
        await remove(known);
        front.behave(({ response }) => {
          response.destroy();
        });
        await pull(known);
        await assertRuns(known);
        await assert.rejects(pull(unknown), /EOF|refused|reset|failed to do request|not found/i);
      },
    );

    await t.test("ends right when the tracker is down", async () => {
      const reference = await pushed("no tracker");
      await tracker.kill9();
      await pull(reference);
      await assertRuns(reference);
    });

    await t.test("ends right when the seeder hangs, and when it is down", async () => {
      const reference = await pushed("no seeder");
      seeder.freeze();
      await pull(reference);
      await assertRuns(reference);
      await seeder.kill9();
      const another = await pushed("no seeder at all");
      await pull(another);
      await assertRuns(another);
    });

    await t.test("ends right when the mirror is down", async () => {
      const reference = await pushed("no mirror");
      await proxy.kill9();
      await pull(reference);
      await assertRuns(reference);
    });
  });
}

/** Has containerd forget what it has of blobs that did not come to their end. */
async function removeIngests(storePath: string): Promise<void> {
  const folder = join(storePath, "ingest");
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
}

/** Passes an answer on until its body is longer than a config. */
async function cutInTheMiddle({ response, pass }: FrontCall, onCut: () => void): Promise<void> {
  const write = response.write.bind(response);
  let written = 0;
  response.write = (chunk: Uint8Array) => {
    written += chunk.byteLength;
    const hasRoom = write(chunk);
    if (written > 100_000) {
      onCut();
      response.destroy();
    }
    return hasRoom;
  };
  await pass();
}
