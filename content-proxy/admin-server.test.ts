import assert from "node:assert/strict";
import { test } from "node:test";

import { formatPeerAddress } from "../core/peer-address.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { serveAdmin } from "./admin-server.ts";

test("serveAdmin() answers health and status, and refuses the rest", async (t) => {
  const status = () => ({ service: "content-proxy", version: "1", uptimeMs: 5 }) as const;
  const server = cleanUpOf(t).use(
    await serveAdmin({ host: "127.0.0.1", port: 0 }, { status, signal: t.signal }),
  );
  const base = `http://${formatPeerAddress(server.address)}`;
  assert.deepEqual(await (await fetch(`${base}/v1/status`)).json(), status());
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
  assert.equal((await fetch(`${base}/v1/../etc/passwd`)).status, 404);
  assert.equal((await fetch(`${base}/healthz`, { method: "POST" })).status, 405);
});
