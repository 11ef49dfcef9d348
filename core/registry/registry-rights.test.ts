import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { Credential } from "../credential.ts";
import { digestOf } from "../digest.ts";
import { AccessDeniedError, ImageNotFoundError, UnavailableError } from "../errors.ts";
import type { RightsSubject } from "../ports/origin-rights.ts";
import type { Authorization } from "../ports/origin.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { openRegistries } from "./open-registries.ts";

const layer = Buffer.from("layer");
const blob = { kind: "blob", digest: digestOf(layer) } as const;
const tag = { kind: "manifest", name: "v1" } as const;
const client = new Credential("Basic eDp5");

async function open(t: TestContext) {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const { manifest } = registry.addImage([layer], "pond/fish:v1");
  const opened = cleanUpOf(t).use(await openRegistries({ registries: [] }));
  const check = async (subject: RightsSubject, authorization: Authorization = "anonymous") => {
    const of = { registry: registry.host, repository: "pond/fish", subject };
    return opened.rights.check(of, { authorization, signal: t.signal });
  };
  return { registry, manifest, check };
}

test("check() asks for heads alone, and tells the digest of a manifest", async (t) => {
  const { registry, manifest, check } = await open(t);
  assert.equal(await check(tag), manifest.digest);
  await check(blob);
  assert.deepEqual(
    registry.requests.map(({ method }) => method),
    ["HEAD", "HEAD"],
  );
});

test("check() says what the registry says that there is not", async (t) => {
  const { check } = await open(t);
  await assert.rejects(check({ kind: "manifest", name: "v2" }), ImageNotFoundError);
  const other = digestOf(Buffer.from("other"));
  await assert.rejects(check({ kind: "blob", digest: other }), ImageNotFoundError);
});

test("check() brings the registry's words for a refusal, which HEAD has not", async (t) => {
  const { registry, check } = await open(t);
  registry.login = { scheme: "basic", authorization: "Basic other" };
  await assert.rejects(check(tag, client), (error: unknown) => {
    assert.ok(error instanceof AccessDeniedError);
    assert.equal(error.refusal?.statusCode, 401);
    assert.match(Buffer.from(error.refusal.body).toString(), /UNAUTHORIZED/);
    return true;
  });
  // Nobody is asked for a login in any case, so its words do not matter.
  registry.requests.length = 0;
  await assert.rejects(check(tag), AccessDeniedError);
  assert.ok(registry.requests.every(({ method }) => method === "HEAD"));
});

test("check() asks by GET where HEAD is not answered, or refused by where it leads", async (t) => {
  const { registry, check } = await open(t);
  for (const status of [405, 501, 403]) {
    registry.fault = ({ method }, response) =>
      method === "HEAD" && response.writeHead(status).end().headersSent;
    await check(blob, client);
    assert.equal(registry.requests.at(-1)?.range, "bytes=0-0");
  }
});

test("check() does not take a registry that is down, or odd, for one that says yes", async (t) => {
  const { registry, check } = await open(t);
  registry.fault = (_, response) => response.writeHead(500).end().headersSent;
  await assert.rejects(check(tag), UnavailableError);
  registry.fault = (_, response) => response.writeHead(204).end().headersSent;
  await assert.rejects(check(tag), UnavailableError);
  await registry[Symbol.asyncDispose]();
  await assert.rejects(check(tag), UnavailableError);
});

test("a right for one registry is not shown to another", async (t) => {
  const { registry, check } = await open(t);
  registry.login = { scheme: "basic", authorization: client.reveal() };
  await check(tag, new Credential(client.reveal(), { registry: registry.host }));
  registry.requests.length = 0;
  const other = new Credential(client.reveal(), { registry: "other.example" });
  await assert.rejects(check(tag, other), AccessDeniedError);
  assert.ok(registry.requests.every(({ authorization }) => authorization === undefined));
});
