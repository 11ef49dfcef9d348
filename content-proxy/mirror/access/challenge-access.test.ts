import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { Credential } from "../../../core/credential.ts";
import { type Digest, digestOf } from "../../../core/digest.ts";
import type { ApiPath } from "../../../core/oci-api/api-path.ts";
import type { BlobReader, BlobRecord } from "../../../core/ports/blob-store.ts";
import { openRegistries } from "../../../core/registry/open-registries.ts";
import { cleanUpOf } from "../../../core/testing/clean-up.ts";
import { type FakeImage, FakeRegistry } from "../../../core/testing/fake-registry.ts";
import { ManualClock } from "../../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../../core/testing/memory-logger.ts";
import type { Allowed, Refused } from "../mirror-access.ts";
import { ChallengeAccess } from "./challenge-access.ts";
import { ImageMembers } from "./image-members.ts";

const right = basic("client:line");
const accessForMs = 1000;
const accessGraceMs = 500;

/** What a client of the mirror asks for. */
interface Asked {
  readonly kind?: ApiPath["kind"];
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: Digest;
  readonly authorization?: Credential | undefined;
}

interface Bench {
  readonly registry: FakeRegistry;
  readonly image: FakeImage;
  /** Puts a document on the node, as one that a pull has brought. */
  readonly keep: (document: object) => Digest;
  readonly clock: ManualClock;
  readonly logger: MemoryLogger;
  readonly authorize: (asked: Asked) => Promise<Allowed | Refused>;
}

function basic(text: string): Credential {
  return new Credential(`Basic ${Buffer.from(text).toString("base64")}`);
}

async function open(t: TestContext): Promise<Bench> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const image = registry.addImage([Buffer.from("layer")], "pond/fish:v1");
  const opened = cleanUpOf(t).use(await openRegistries({ registries: [] }));
  const blobs = new Map<Digest, Buffer>();
  const keep = (document: object) => {
    const bytes = Buffer.from(JSON.stringify(document));
    blobs.set(digestOf(bytes), bytes);
    return digestOf(bytes);
  };
  const { config, layers } = image;
  assert.equal(keep({ schemaVersion: 2, config, layers }), image.manifest.digest);
  const clock = new ManualClock();
  const logger = new MemoryLogger();
  const access = new ChallengeAccess({
    ...{ rights: opened.rights, members: new ImageMembers({ store: storeOf(blobs) }) },
    ...{ clock, logger, accessForMs, accessGraceMs, outageAfterMs: 60_000 },
    isTrusted: (host) => host === registry.host,
  });
  const authorize = async (asked: Asked) => {
    const named = { kind: "manifest", repository: "pond/fish", registry: registry.host } as const;
    return access.authorize({ ...named, ...asked }, { signal: t.signal });
  };
  return { registry, image, keep, clock, logger, authorize };
}

function storeOf(blobs: ReadonlyMap<Digest, Buffer>): Pick<BlobReader, "find" | "read"> {
  return {
    find: (digest) => {
      const bytes = blobs.get(digest);
      return bytes && ({ digest, size: bytes.length, whole: true } as BlobRecord);
    },
    async *read(digest) {
      yield blobs.get(digest) ?? Buffer.alloc(0);
    },
  };
}

/** Only who shows that has anything of the registry. */
function close({ registry }: Bench, authorization = right): void {
  registry.login = { scheme: "basic", authorization: authorization.reveal() };
}

function outcome(verdict: Allowed | Refused): string {
  if (verdict.isAllowed) return "allowed";
  if (verdict.headers?.["www-authenticate"] !== undefined) return "challenge";
  return String(verdict.refusal?.statusCode ?? verdict.code);
}

async function goDown({ registry }: Bench): Promise<void> {
  await registry[Symbol.asyncDispose]();
}

test("what the registry shows to anybody may be had by anybody", async (t) => {
  const { image, authorize } = await open(t);
  assert.deepEqual(await authorize({ tag: "v1" }), { isAllowed: true });
  assert.equal(outcome(await authorize({ digest: image.manifest.digest })), "allowed");
});

test("what is closed is asked a login for, and had by who may have it", async (t) => {
  const bench = await open(t);
  close(bench);
  const { authorize, registry } = bench;
  const challenged = await authorize({ tag: "v1" });
  assert.ok(!challenged.isAllowed);
  assert.equal(challenged.headers?.["www-authenticate"], `Basic realm="${registry.host}"`);
  assert.deepEqual(await authorize({ tag: "v1", authorization: right }), {
    isAllowed: true,
    authorization: right,
  });
  assert.equal(outcome(await authorize({ tag: "v1" })), "challenge");
});

test("who is refused by the registry is told so in its words", async (t) => {
  const bench = await open(t);
  close(bench);
  const verdict = await bench.authorize({ tag: "v1", authorization: basic("client:guess") });
  assert.ok(!verdict.isAllowed && verdict.refusal);
  assert.equal(verdict.refusal.statusCode, 401);
  assert.match(Buffer.from(verdict.refusal.body).toString(), /UNAUTHORIZED/);
  assert.equal(verdict.headers, undefined);
});

test("a wrong login has nothing, though somebody has just had it with the right one", async (t) => {
  const bench = await open(t);
  close(bench);
  const { image, authorize } = bench;
  await authorize({ tag: "v1", authorization: right });
  for (const authorization of [basic("client:guess"), undefined, new Credential("Bearer x")]) {
    for (const asked of [
      { tag: "v1" },
      { digest: image.manifest.digest },
      { kind: "blob", digest: image.layers[0]?.digest },
      { kind: "tags" },
    ] as Asked[]) {
      assert.notEqual(outcome(await authorize({ ...asked, authorization })), "allowed");
    }
  }
});

test("a right is asked for once, and again when it has grown old", async (t) => {
  const bench = await open(t);
  close(bench);
  const { image, clock, registry, authorize } = bench;
  await authorize({ tag: "v1", authorization: right });
  const count = registry.requests.length;
  clock.advance(accessForMs - 1);
  const layer = { kind: "blob", digest: image.layers[0]?.digest } as Asked;
  const config = { kind: "blob", digest: image.config.digest } as Asked;
  for (const asked of [{ tag: "v1" }, { digest: image.manifest.digest }, layer, config]) {
    assert.equal(outcome(await authorize({ ...asked, authorization: right })), "allowed");
  }
  assert.equal(registry.requests.length, count);
  clock.advance(1);
  close(bench, basic("somebody:else"));
  assert.equal(outcome(await authorize({ ...layer, authorization: right })), "401");
});

test("a digest of another repository is not had under the name of an open one", async (t) => {
  const bench = await open(t);
  const { registry, authorize } = bench;
  await authorize({ tag: "v1" });
  const secret = digestOf(Buffer.from("secret"));
  assert.equal(outcome(await authorize({ kind: "blob", digest: secret })), "BLOB_UNKNOWN");
  assert.equal(outcome(await authorize({ digest: secret })), "MANIFEST_UNKNOWN");
  // It is the registry that knows what belongs to a repository.
  registry.addBlob(Buffer.from("secret"));
  assert.equal(outcome(await authorize({ kind: "blob", digest: secret })), "allowed");
});

test("neither a blob that looks like a manifest nor a layer with URLs vouches for a digest", async (t) => {
  const { registry, image, keep, authorize } = await open(t);
  const secret = { ...image.config, digest: digestOf(Buffer.from("secret")) };
  const document = { schemaVersion: 2, config: secret, layers: [] };
  const forged = keep(document);
  registry.addBlob(Buffer.from(JSON.stringify(document)));
  assert.equal(outcome(await authorize({ kind: "blob", digest: forged })), "allowed");
  assert.equal(outcome(await authorize({ kind: "blob", digest: secret.digest })), "BLOB_UNKNOWN");

  const foreign = {
    ...document,
    config: image.config,
    layers: [{ ...secret, urls: ["http://x"] }],
  };
  const manifest = registry.addManifest(Buffer.from(JSON.stringify(foreign)), "x", "pond/fish:v2");
  keep(foreign);
  assert.equal(outcome(await authorize({ digest: manifest.digest })), "allowed");
  assert.equal(outcome(await authorize({ kind: "blob", digest: secret.digest })), "BLOB_UNKNOWN");
});

test("an index vouches for its manifests, and for what they name", async (t) => {
  const { registry, image, keep, authorize } = await open(t);
  const index = registry.addIndex([{ descriptor: image.manifest }], "pond/fish:all");
  keep({ schemaVersion: 2, manifests: [{ ...image.manifest, platform: undefined }] });
  await authorize({ tag: "all" });
  await goDown({ registry } as Bench);
  for (const { digest } of [index, image.manifest, image.config, ...image.layers]) {
    assert.equal(outcome(await authorize({ kind: "blob", digest })), "allowed");
  }
});

test("while the registry is down a right holds a little longer, and nobody gets a new one", async (t) => {
  const bench = await open(t);
  close(bench);
  const { image, clock, authorize } = bench;
  await authorize({ tag: "v1", authorization: right });
  await goDown(bench);
  clock.advance(accessForMs + accessGraceMs - 1);
  for (const asked of [{ tag: "v1" }, { kind: "blob", digest: image.config.digest }] as Asked[]) {
    assert.equal(outcome(await authorize({ ...asked, authorization: right })), "allowed");
  }
  const secret = digestOf(Buffer.from("secret"));
  const other = { kind: "blob", digest: secret, authorization: right } as const;
  assert.equal(outcome(await authorize(other)), "UNAVAILABLE");
  assert.equal(outcome(await authorize({ tag: "v1" })), "UNAVAILABLE");
  clock.advance(1);
  assert.equal(outcome(await authorize({ tag: "v1", authorization: right })), "UNAVAILABLE");
});

test("a right that the registry takes back is gone at once", async (t) => {
  const bench = await open(t);
  close(bench);
  const { clock, authorize } = bench;
  await authorize({ tag: "v1", authorization: right });
  close(bench, basic("somebody:else"));
  clock.advance(accessForMs);
  assert.equal(outcome(await authorize({ tag: "v1", authorization: right })), "401");
  await goDown(bench);
  assert.equal(outcome(await authorize({ tag: "v1", authorization: right })), "UNAVAILABLE");
});

test("registries that nobody configured are not believed", async (t) => {
  const { registry, authorize } = await open(t);
  const verdict = await authorize({ tag: "v1", registry: "evil.example" } as Asked);
  assert.equal(outcome(verdict), "NAME_UNKNOWN");
  assert.deepEqual(registry.requests, []);
});

test("clients learn at the base that a login is wanted; an empty one is nobody's", async (t) => {
  const bench = await open(t);
  const base = { kind: "base", repository: undefined } as unknown as Asked;
  assert.equal(outcome(await bench.authorize(base)), "challenge");
  assert.equal(outcome(await bench.authorize({ ...base, authorization: basic(":") })), "allowed");
  assert.deepEqual(await bench.authorize({ tag: "v1", authorization: basic(":") }), {
    isAllowed: true,
  });
});

test("no line of the log has a login in it", async (t) => {
  const bench = await open(t);
  close(bench);
  const { logger, clock, authorize } = bench;
  await authorize({ tag: "v1", authorization: right });
  await authorize({ tag: "v1", authorization: basic("client:guess") });
  await goDown(bench);
  clock.advance(accessForMs);
  await authorize({ tag: "v1", authorization: right });
  assert.notEqual(logger.lines.length, 0);
  assert.doesNotMatch(JSON.stringify(logger.lines), /line|guess|Basic|Y2xpZW50/);
});
