import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { discardBody } from "./http-request.ts";
import { createRegistryAgent } from "./registry-agent.ts";
import { RegistryClient, type RegistryEndpoint } from "./registry-client.ts";

const inside = ["127.0.0.1:9", "localhost", "10.1.2.3", "[::1]:9", "169.254.169.254", "0x7f.1"];

interface Bench {
  /** What answers under each name. */
  readonly registry: FakeRegistry;
  /** Where requests went, in order. */
  readonly asked: string[];
  readonly ask: (host?: string) => Promise<number>;
}

/** A client that has never heard of the registry that it asks. */
async function open(
  t: TestContext,
  endpoints: Readonly<Record<string, RegistryEndpoint>> = {},
): Promise<Bench> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const agent = createRegistryAgent();
  cleanUpOf(t).defer(() => agent.destroy());
  const asked: string[] = [];
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    asked.push(String(options.origin));
    return dispatch({ ...options, origin: `http://${registry.host}` }, handler);
  });
  const client = new RegistryClient({ dispatcher, endpoints, credentials: undefined });
  const ask = async (host = "registry.example") => {
    const named = { registry: host, repository: "a/b", path: "manifests/x", headers: {} };
    const response = await client.request({ ...named, method: "GET" }, { signal: t.signal });
    await discardBody(response);
    return response.statusCode;
  };
  return { registry, asked, ask };
}

/** Answers the first request, and leaves the others to the registry. */
function redirectOnce(registry: FakeRegistry, location: string): void {
  registry.fault = (_, response) => {
    registry.fault = () => false;
    response.writeHead(307, { location }).end();
    return true;
  };
}

test("a registry that nobody configured sends us to names", async (t) => {
  const { registry, asked, ask } = await open(t);
  registry.addImage([], "a/b:x");
  redirectOnce(registry, "https://my_store.example/x?y");
  assert.equal(await ask(), 404);
  assert.deepEqual(asked, ["https://registry.example", "https://my_store.example"]);
});

test("a registry that nobody configured does not send us to addresses", async (t) => {
  const { registry, asked, ask } = await open(t);
  for (const host of inside) {
    redirectOnce(registry, `https://${host}/x`);
    await assert.rejects(ask(), UnavailableError, host);
  }
  assert.deepEqual(new Set(asked), new Set(["https://registry.example"]));
});

test("a registry that nobody configured names no token service at an address", async (t) => {
  const { registry, asked, ask } = await open(t);
  for (const host of inside) {
    registry.fault = (_, response) => {
      const challenge = `Bearer realm="https://${host}/token"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return true;
    };
    await assert.rejects(ask(), UnavailableError, host);
  }
  assert.deepEqual(new Set(asked), new Set(["https://registry.example"]));
});

test("a registry that is configured, however its name is written, sends us anywhere", async (t) => {
  const { registry, asked, ask } = await open(t, { "registry.example": {} });
  redirectOnce(registry, "https://10.1.2.3/x");
  assert.equal(await ask("Registry.Example"), 404);
  assert.equal(asked[1], "https://10.1.2.3");
});
