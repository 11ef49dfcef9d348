import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";

import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { type Fault, FakeRegistry } from "../testing/fake-registry.ts";
import type { CredentialSource, Credentials } from "./docker-credentials.ts";
import { discardBody } from "./http-request.ts";
import { createRegistryAgent } from "./registry-agent.ts";
import { RegistryClient } from "./registry-client.ts";

const user = { kind: "password", username: "fisher", password: "net and line" } as const;
const basic = `Basic ${Buffer.from("fisher:net and line").toString("base64")}`;

async function open(t: TestContext): Promise<FakeRegistry> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  return registry;
}

function clientOf(
  t: TestContext,
  credentials?: Credentials,
  endpoints: Readonly<Record<string, { readonly url: string }>> = {},
): RegistryClient {
  const dispatcher = createRegistryAgent();
  cleanUpOf(t).defer(() => dispatcher.destroy());
  const source: CredentialSource = { find: async () => credentials };
  return new RegistryClient({ dispatcher, endpoints, credentials: source });
}

/** The status of a request for a tag. */
async function ask(
  client: RegistryClient,
  registry: FakeRegistry | { readonly host: string },
  { signal }: { readonly signal: AbortSignal },
  repository = "pond/fish",
): Promise<number> {
  const response = await client.request(
    { registry: registry.host, repository, method: "GET", path: "manifests/latest", headers: {} },
    { signal },
  );
  await discardBody(response);
  return response.statusCode;
}

function authorizations(registry: FakeRegistry, part: string): (string | undefined)[] {
  return registry.requestsFor(part).map(({ authorization }) => authorization);
}

function redirect(location: string): Fault {
  return (_, response) => {
    response.writeHead(307, { location }).end();
    return true;
  };
}

test("request() asks without credentials where none are wanted", async (t) => {
  const registry = await open(t);
  assert.equal(await ask(clientOf(t, user), registry, t), 404);
  assert.deepEqual(authorizations(registry, "/"), [undefined]);
});

test("request() shows a password to a registry that wants one, and from then on at once", async (t) => {
  const registry = await open(t);
  registry.login = { scheme: "basic", authorization: basic };
  const client = clientOf(t, user);
  await ask(client, registry, t);
  await ask(client, registry, t);
  assert.deepEqual(authorizations(registry, "/"), [undefined, basic, basic]);
});

test("request() logs in for each repository once, and keeps the token", async (t) => {
  const registry = await open(t);
  registry.login = { scheme: "bearer", authorization: basic };
  const client = clientOf(t, user);
  await Promise.all([ask(client, registry, t), ask(client, registry, t), ask(client, registry, t)]);
  await ask(client, registry, t);
  await ask(client, registry, t, "pond/frog");
  assert.deepEqual(
    registry.requestsFor("/token").map(({ url }) => url),
    [
      "/token?scope=repository%3Apond%2Ffish%3Apull&service=fake",
      "/token?scope=repository%3Apond%2Ffrog%3Apull&service=fake",
    ],
  );
  assert.deepEqual(authorizations(registry, "/token"), [basic, basic]);
});

test("request() gets a token for nobody in particular when it has no credentials", async (t) => {
  const registry = await open(t);
  registry.login = { scheme: "bearer" };
  assert.equal(await ask(clientOf(t), registry, t), 404);
  assert.deepEqual(authorizations(registry, "/token"), [undefined]);
});

test("request() trades an identity token in", async (t) => {
  const registry = await open(t);
  registry.login = { scheme: "bearer" };
  const client = clientOf(t, { kind: "identityToken", identityToken: "refresh" });
  assert.equal(await ask(client, registry, t), 404);
  assert.deepEqual(
    registry.requestsFor("/token").map(({ method, url }) => `${method} ${url}`),
    ["POST /token"],
  );
});

test("request() logs in again when a token ended before its time", async (t) => {
  const registry = await open(t);
  registry.login = { scheme: "bearer", tokenAnswer: { expires_in: 3600 } };
  const client = clientOf(t);
  await ask(client, registry, t);
  registry.tokens.splice(0, 1, "another");
  assert.equal(await ask(client, registry, t), 404);
  assert.equal(registry.requestsFor("/token").length, 2);
});

test("request() does not keep a token longer than it lives", async (t) => {
  const registry = await open(t);
  registry.login = { scheme: "bearer", tokenAnswer: { expires_in: 1 } };
  const client = clientOf(t);
  await ask(client, registry, t);
  await ask(client, registry, t);
  assert.equal(registry.requestsFor("/token").length, 2);
});

test("request() says so when it is refused, and not with what it tried", async (t) => {
  const registry = await open(t);
  for (const scheme of ["basic", "bearer"] as const) {
    registry.login = { scheme, authorization: "Basic other" };
    await assert.rejects(ask(clientOf(t, user), registry, t), (error: Error) => {
      assert.ok(error instanceof AccessDeniedError);
      assert.ok(!error.message.includes(user.password) && !error.message.includes(basic));
      return true;
    });
  }
  registry.login = { scheme: "basic", authorization: basic };
  await assert.rejects(ask(clientOf(t), registry, t), AccessDeniedError);
  registry.fault = (_, response) => response.writeHead(403).end().headersSent;
  await assert.rejects(ask(clientOf(t), registry, t), AccessDeniedError);
});

test("request() refuses answers of a token service that are no tokens", async (t) => {
  const registry = await open(t);
  for (const tokenAnswer of [
    { token: "" },
    { token: "two\nlines" },
    { token: 5 },
    { expires_in: -1 },
  ]) {
    registry.login = { scheme: "bearer", tokenAnswer };
    await assert.rejects(ask(clientOf(t), registry, t), UnavailableError);
  }
});

test("request() refuses token services that are none", async (t) => {
  const registry = await open(t);
  for (const realm of ["", "ftp://host/token", "http://name:word@host/token", "nonsense"]) {
    const challenge = `Bearer realm="${realm}",service="s"`;
    registry.fault = (_, response) =>
      response.writeHead(401, { "www-authenticate": challenge }).end().headersSent;
    await assert.rejects(ask(clientOf(t, user), registry, t), UnavailableError);
  }
});

test("request() shows credentials to no host that it is sent to, nor to whom that host names", async (t) => {
  const [registry, other, thief] = await Promise.all([open(t), open(t), open(t)]);
  registry.login = { scheme: "basic", authorization: basic };
  const client = clientOf(t, user);
  await ask(client, registry, t);
  registry.fault = redirect(`http://${other.host}/store?signature=x`);
  await ask(client, registry, t);
  assert.deepEqual(authorizations(other, "/store"), [undefined]);

  other.fault = (_, response) => {
    const challenge = `Bearer realm="http://${thief.host}/token"`;
    return response.writeHead(401, { "www-authenticate": challenge }).end().headersSent;
  };
  await assert.rejects(ask(client, registry, t), AccessDeniedError);
  assert.deepEqual(thief.requests, []);
});

test("request() shows credentials no more to a registry that it is sent back to", async (t) => {
  const [registry, other] = await Promise.all([open(t), open(t)]);
  registry.login = { scheme: "basic", authorization: basic };
  const client = clientOf(t, user);
  await ask(client, registry, t);
  other.fault = redirect(`http://${registry.host}/v2/secret/manifests/latest`);
  registry.fault = (request, response) =>
    request.url?.includes("secret") === true
      ? false
      : redirect(`http://${other.host}/away`)(request, response);
  await assert.rejects(ask(client, registry, t), AccessDeniedError);
  assert.deepEqual(authorizations(registry, "secret"), [undefined]);
});

test("request() fails without a secret in any message, nor in the causes behind it", async (t) => {
  const [registry, other] = await Promise.all([open(t), open(t)]);
  await other[Symbol.asyncDispose]();
  registry.login = { scheme: "basic", authorization: basic };
  const client = clientOf(t, user);
  await ask(client, registry, t);
  const faults: readonly Fault[] = [
    redirect(`http://${other.host}/x?signature=hush`),
    redirect("ftp://fisher:hush@host/"),
    redirect("/again?signature=hush"),
    (_, response) => response.writeHead(401, { "www-authenticate": "Basic" }).end().headersSent,
    (request) => request.socket.destroy().destroyed,
  ];
  for (const fault of faults) {
    registry.fault = fault;
    await assert.rejects(ask(client, registry, t), (error) => {
      assert.doesNotMatch(inspect(error, { depth: 10 }), /hush|net and line|Zmlza/);
      return true;
    });
  }
});

test("request() ends a loop of redirects, and refuses odd ones", async (t) => {
  const registry = await open(t);
  for (const location of ["/v2/again", "ftp://host/", "http://[", "file:///etc/passwd"]) {
    registry.fault = redirect(location);
    await assert.rejects(ask(clientOf(t), registry, t), UnavailableError);
  }
  registry.fault = (_, response) => response.writeHead(302).end().headersSent;
  await assert.rejects(ask(clientOf(t), registry, t), UnavailableError);
});

test("request() comes back when a registry is busy, and gives up in the end", async (t) => {
  const registry = await open(t);
  let busyCount = 2;
  registry.fault = (_, response) => {
    if (busyCount-- <= 0) return false;
    return response.writeHead(429, { "retry-after": "0" }).end().headersSent;
  };
  assert.equal(await ask(clientOf(t), registry, t), 404);
  assert.equal(registry.requests.length, 3);
  busyCount = 100;
  await assert.rejects(ask(clientOf(t), registry, t), /answers 429/);
});

test("request() waits as long as a registry that is down for a while asks it to", async (t) => {
  const registry = await open(t);
  const faults = [
    { "retry-after": "0" },
    { "retry-after": new Date(Date.now() - 1000).toUTCString() },
  ];
  registry.fault = (_, response) => {
    const headers = faults.shift();
    return headers !== undefined && response.writeHead(503, headers).end().headersSent;
  };
  assert.equal(await ask(clientOf(t), registry, t), 404);
  assert.equal(registry.requests.length, 3);
  // Who has no more time does not wait for it.
  const aborting = new AbortController();
  registry.fault = (_, response) => {
    response.once("finish", () => setImmediate(() => aborting.abort()));
    return response.writeHead(503, { "retry-after": "3600" }).end().headersSent;
  };
  await assert.rejects(ask(clientOf(t), registry, aborting), { name: "AbortError" });
});

test("request() asks a registry where its configuration says that it is", async (t) => {
  const registry = await open(t);
  const endpoints = { "docker.io": { url: `http://${registry.host}/mirror/` } };
  await ask(clientOf(t, undefined, endpoints), { host: "docker.io" }, t);
  assert.equal(registry.requests[0]?.url, "/mirror/v2/pond/fish/manifests/latest");
});

test("request() tells of a registry that is not there by its host alone", async (t) => {
  const registry = await open(t);
  await registry[Symbol.asyncDispose]();
  await assert.rejects(ask(clientOf(t), registry, t), {
    name: "UnavailableError",
    message: `Cannot reach ${registry.host}: ECONNREFUSED`,
  });
});

test("request() ends when its caller has no more time, also while a registry hangs", async (t) => {
  const registry = await open(t);
  const aborting = new AbortController();
  registry.fault = () => {
    setImmediate(() => aborting.abort());
    return true;
  };
  await assert.rejects(ask(clientOf(t), registry, aborting), { name: "AbortError" });
  await assert.rejects(ask(clientOf(t), registry, aborting), { name: "AbortError" });
});
