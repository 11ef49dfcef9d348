import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";

import { Credential } from "../credential.ts";
import { AccessDeniedError } from "../errors.ts";
import type { Authorization } from "../ports/origin.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { discardBody } from "./http-request.ts";
import { createRegistryAgent } from "./registry-agent.ts";
import { RegistryClient } from "./registry-client.ts";

const configured = basic("configured", "net");
const client = basic("client", "line");

interface Bench {
  readonly registry: FakeRegistry;
  /** The status of a request for a tag. */
  readonly ask: (authorization?: Authorization) => Promise<number>;
}

async function open(t: TestContext): Promise<Bench> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const dispatcher = createRegistryAgent();
  cleanUpOf(t).defer(() => dispatcher.destroy());
  const source = {
    find: async () => ({ kind: "password", username: "configured", password: "net" }) as const,
  };
  const registryClient = new RegistryClient({ dispatcher, endpoints: {}, credentials: source });
  const ask = async (authorization?: Authorization) => {
    const request = { repository: "pond/fish", method: "GET", path: "manifests/latest" } as const;
    const response = await registryClient.request(
      { ...request, registry: registry.host, headers: {}, authorization },
      { signal: t.signal },
    );
    await discardBody(response);
    return response.statusCode;
  };
  return { registry, ask };
}

function basic(username: string, password: string): Credential {
  return new Credential(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
}

function authorizations(registry: FakeRegistry, part: string): (string | undefined)[] {
  return registry.requestsFor(part).map(({ authorization }) => authorization);
}

test("request() shows a client's password where one is wanted, and not the configured one", async (t) => {
  const { registry, ask } = await open(t);
  registry.login = { scheme: "basic", authorization: client.reveal() };
  assert.equal(await ask(client), 404);
  assert.deepEqual(authorizations(registry, "/v2/"), [undefined, client.reveal()]);
  await assert.rejects(ask(), AccessDeniedError);
  assert.equal(authorizations(registry, "/v2/").at(-1), configured.reveal());
});

test("request() shows nothing for nobody, even where it knows that a password is wanted", async (t) => {
  const { registry, ask } = await open(t);
  registry.login = { scheme: "basic", authorization: configured.reveal() };
  assert.equal(await ask(), 404);
  registry.requests.length = 0;
  await assert.rejects(ask("anonymous"), AccessDeniedError);
  assert.ok(authorizations(registry, "/v2/").every((shown) => shown === undefined));
});

test("request() fetches a token for each who asks, and gives none the token of another", async (t) => {
  const { registry, ask } = await open(t);
  registry.login = { scheme: "bearer", authorization: client.reveal() };
  assert.equal(await ask(client), 404);
  assert.equal(await ask(client), 404);
  assert.deepEqual(authorizations(registry, "/token"), [client.reveal()]);
  for (const other of [basic("client", "guess"), "anonymous", undefined] as const) {
    registry.requests.length = 0;
    await assert.rejects(ask(other), AccessDeniedError);
    assert.ok(!authorizations(registry, "/v2/").includes("Bearer token-0"));
  }
});

test("request() sends a client's own token as it is, and gets no other where it is refused", async (t) => {
  const { registry, ask } = await open(t);
  registry.login = { scheme: "bearer" };
  registry.tokens.push("own");
  assert.equal(await ask(new Credential("Bearer own")), 404);
  await assert.rejects(ask(new Credential("Bearer ended")), AccessDeniedError);
  assert.deepEqual(authorizations(registry, "/v2/"), ["Bearer own", "Bearer ended"]);
  assert.deepEqual(registry.requestsFor("/token"), []);
});

test("request() shows nothing of an authorization that it does not understand", async (t) => {
  const { registry, ask } = await open(t);
  registry.login = { scheme: "basic", authorization: client.reveal() };
  await assert.rejects(ask(new Credential("Digest username=client")), AccessDeniedError);
  assert.ok(authorizations(registry, "/").every((shown) => shown === undefined));
});

test("request() shows a client's credential to no host that it is sent to", async (t) => {
  const { registry, ask } = await open(t);
  const other = cleanUpOf(t).use(await FakeRegistry.open());
  registry.fault = (_, response) =>
    response.writeHead(307, { location: `http://${other.host}/store` }).end().headersSent;
  other.fault = (_, response) =>
    response.writeHead(401, { "www-authenticate": "Basic" }).end().headersSent;
  for (const credential of [client, new Credential("Bearer own")]) {
    await assert.rejects(ask(credential), AccessDeniedError);
  }
  assert.deepEqual(authorizations(other, "/store"), [undefined, undefined]);
});

test("request() tells how the registry refused, and never whom", async (t) => {
  const { registry, ask } = await open(t);
  const refuse = (statusCode: number, body: string) => {
    registry.fault = (_, response) => {
      response.writeHead(statusCode, { "content-type": "application/json" }).end(body);
      return true;
    };
  };
  const refusal = async () => {
    const error: unknown = await ask(client).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof AccessDeniedError);
    assert.doesNotMatch(inspect(error, { depth: 10 }), /DENIED|line|Basic /);
    return error.refusal && { ...error.refusal, body: Buffer.from(error.refusal.body).toString() };
  };
  const mediaType = "application/json";
  const denied = '{"errors":[{"code":"DENIED"}]}';
  refuse(403, denied);
  assert.deepEqual(await refusal(), { statusCode: 403, mediaType, body: denied });
  refuse(403, denied.repeat(1000));
  assert.deepEqual(await refusal(), { statusCode: 403, mediaType, body: "" });
  registry.login = { scheme: "bearer", authorization: configured.reveal() };
  registry.fault = () => false;
  assert.equal((await refusal())?.statusCode, 401);
});
