import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { createRegistryAgent } from "./registry-agent.ts";
import { type Login, TokenCache } from "./token-cache.ts";

interface Bench {
  readonly service: FakeRegistry;
  readonly tokens: TokenCache;
  readonly login: Login;
}

async function open(t: TestContext): Promise<Bench> {
  const service = cleanUpOf(t).use(await FakeRegistry.open());
  const dispatcher = createRegistryAgent();
  cleanUpOf(t).defer(() => dispatcher.destroy());
  const login: Login = {
    challenge: { scheme: "bearer", parameters: { realm: `http://${service.host}/token` } },
    scope: "repository:pond/fish:pull",
    isSecure: false,
    isStranger: false,
    proof: async () => undefined,
    dispatcher,
  };
  return { service, tokens: new TokenCache(), login };
}

test("fetch() gives everyone who asks at once the same token", async (t) => {
  const { service, tokens, login } = await open(t);
  const fetched = await Promise.all([1, 2, 3].map(() => tokens.fetch("key", login, t)));
  assert.deepEqual(fetched, ["token-0", "token-0", "token-0"]);
  // Who was turned down with an older one takes the new one, too.
  assert.equal(await tokens.fetch("key", login, t), "token-0");
  assert.equal(service.requests.length, 1);
});

test("fetch() goes on for the others when who asked first leaves", async (t) => {
  const { tokens, login } = await open(t);
  const aborting = new AbortController();
  const first = tokens.fetch("key", login, aborting);
  const second = tokens.fetch("key", login, t);
  aborting.abort();
  await assert.rejects(first, { name: "AbortError" });
  assert.equal(await second, "token-0");
});

test("drop() forgets the token that was turned down, and no newer one", async (t) => {
  const { tokens, login } = await open(t);
  await tokens.fetch("key", login, t);
  tokens.drop("key", "an older one");
  assert.equal(tokens.find("key"), "token-0");
  tokens.drop("key", "token-0");
  assert.equal(tokens.find("key"), undefined);
});

test("fetch() does not log in without TLS at a registry that was asked by TLS", async (t) => {
  const { service, tokens, login } = await open(t);
  await assert.rejects(tokens.fetch("key", { ...login, isSecure: true }, t), UnavailableError);
  assert.deepEqual(service.requests, []);
});

test("fetch() tells a refusal from a service that is down, and tries again the next time", async (t) => {
  const { service, tokens, login } = await open(t);
  service.login = { scheme: "bearer", authorization: "Basic other" };
  await assert.rejects(tokens.fetch("key", login, t), AccessDeniedError);
  service.login = undefined;
  assert.equal(await tokens.fetch("key", login, t), "token-0");
  await service[Symbol.asyncDispose]();
  await assert.rejects(tokens.fetch("another", login, t), UnavailableError);
});

test("fetch() keeps no token that is longer than any", async (t) => {
  const { service, tokens, login } = await open(t);
  service.login = { scheme: "bearer", tokenAnswer: { token: "t".repeat(16 * 1024 + 1) } };
  await assert.rejects(tokens.fetch("key", login, t), UnavailableError);
  assert.equal(tokens.find("key"), undefined);
  const token = "t".repeat(16 * 1024);
  service.login = { scheme: "bearer", tokenAnswer: { token } };
  assert.equal(await tokens.fetch("key", login, t), token);
});

test("fetch() passes on why there are no credentials", async (t) => {
  const { tokens, login } = await open(t);
  const problem = new AccessDeniedError("Cannot find credentials");
  const proof = () => Promise.reject(problem);
  await assert.rejects(tokens.fetch("key", { ...login, proof }, t), problem);
});
