import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { type Digest, digestOf } from "../core/digest.ts";
import { UnavailableError } from "../core/errors.ts";
import type { Labels } from "../core/ports/blob-store.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { BlobRepositories } from "./blob-repositories.ts";
import { Provenance } from "./provenance/provenance.ts";

const layer = digestOf(Buffer.from("layer"));
const manifest = digestOf(Buffer.from("manifest"));
const source = "containerd.io/distribution.source.";

/** A containerd with these blobs by namespace. */
function containerdWith(content: Readonly<Record<string, readonly (readonly [Digest, Labels])[]>>) {
  return {
    namespaces: async () => Object.keys(content),
    info: async (digest: Digest, { namespace }: { namespace: string }) => {
      const found = content[namespace]?.find(([known]) => known === digest);
      return found && { digest, labels: found[1] };
    },
    async *list({ namespace }: { namespace: string }) {
      for (const [digest, labels] of content[namespace] ?? []) yield { digest, labels };
    },
  };
}

async function find(
  content: Parameters<typeof containerdWith>[0],
  signal: AbortSignal,
  known: { readonly hosts?: readonly string[]; readonly images?: readonly string[] } = {},
) {
  const { hosts = [], images = [] } = known;
  const named = images.map((name) => ({ name }));
  const containerd = { ...containerdWith(content), images: async () => named };
  const provenance = new Provenance();
  const repositories = new BlobRepositories({ containerd, provenance, hosts });
  const found = await repositories.find(layer, { signal });
  return found.map(({ registry, repository }) => `${registry}/${repository}`);
}

test("find() gives what the labels of a blob say, in all namespaces, once each", async (t) => {
  const content = {
    default: [[layer, { [`${source}docker.io`]: "library/debian,pond/fish" }]],
    empty: [],
    "k8s.io": [
      [layer, { [`${source}r.example`]: "team/app", [`${source}docker.io`]: "pond/fish", a: "b" }],
    ],
  } as const;
  assert.deepEqual(await find(content, t.signal), [
    "docker.io/library/debian",
    "docker.io/pond/fish",
    "r.example/team/app",
  ]);
});

test("find() asks for the manifests that name a blob which has no such label yet", async (t) => {
  const named = { "containerd.io/gc.ref.content.l.0": layer, [`${source}r.example`]: "team/app" };
  const other = { "containerd.io/gc.ref.content.l.0": manifest, [`${source}r.example`]: "other" };
  const content = {
    default: [
      [layer, {}],
      [manifest, named],
      [digestOf(Buffer.from("other")), other],
    ],
  } as const;
  assert.deepEqual(await find(content, t.signal), ["r.example/team/app"]);
  assert.deepEqual(await find({ default: [[layer, {}]] }, t.signal), []);
});

test("find() adds the ports that containerd does not note, of registries that are known", async (t) => {
  const content = {
    default: [[layer, { [`${source}r.example`]: "app", [`${source}fe80::1`]: "app" }]],
  } as const;
  const hosts = ["other.example:80", "r.example:5000", "[fe80::1]:5000", "r.example.org"];
  assert.deepEqual(await find(content, t.signal, { hosts }), [
    "r.example:5000/app",
    "[fe80::1]:5000/app",
  ]);
  const images = ["r.example:443/other/app:1", "busybox", "no image reference"];
  assert.deepEqual(await find(content, t.signal, { images }), [
    "r.example:443/app",
    "[fe80::1]/app",
  ]);
});

test("find() leaves out what is no repository, and what is too much", async (t) => {
  const labels = { [`${source}r.example`]: "../../etc,UPPER,,a?b,ok", [`${source}a/b@c`]: "ok" };
  const odd = { default: [[layer, labels]] } as const;
  assert.deepEqual(await find(odd, t.signal), ["r.example/ok"]);
  const many = Array.from({ length: 50 }, (_, index) => `app${index}`).join(",");
  const content = { default: [[layer, { [`${source}r.example`]: many }]] } as const;
  assert.equal((await find(content, t.signal)).length, 8);
});

/** What a manifest of a pull names, and a containerd that labels the manifest when it is told to. */
function pullOf(t: TestContext) {
  const provenance = new Provenance();
  const config = { digest: digestOf(Buffer.from("config")), size: 1, mediaType: "" };
  const layers = [{ digest: layer, size: 1, mediaType: "" }];
  provenance.learnChildren(manifest, { kind: "manifest", config, layers });
  const labels: Record<string, string> = {};
  const asked: Digest[] = [];
  const content = containerdWith({ default: [[manifest, labels]] });
  const repositories = cleanUpOf(t).use(
    new BlobRepositories({
      provenance,
      hosts: ["r.example:5000"],
      containerd: {
        ...content,
        images: async () => [],
        info: (digest, options) => {
          asked.push(digest);
          pull.onInfo();
          return content.info(digest, options);
        },
      },
    }),
  );
  const pull = { repositories, labels, asked, onInfo: (): void => undefined };
  return pull;
}

test("recall() waits for the label of the manifest that a pull has just brought", async (t) => {
  const pull = pullOf(t);
  pull.onInfo = () => {
    if (pull.asked.length === 3) pull.labels[`${source}r.example`] = "app";
  };
  const recalling = [layer, layer].map((digest) => pull.repositories.recall(digest, t));
  const found = { registry: "r.example:5000", repository: "app" };
  assert.deepEqual(await Promise.all(recalling), [[found], [found]]);
  assert.equal(pull.asked.length, 3);
  assert.deepEqual(await pull.repositories.recall(layer, t), [found]);
  assert.equal(pull.asked.length, 3);
});

test("recall() does not wait twice for a label that does not come", async (t) => {
  const { repositories, asked } = pullOf(t);
  assert.deepEqual(await repositories.recall(layer, t), []);
  const before = asked.length;
  assert.deepEqual(await repositories.recall(layer, t), []);
  assert.equal(asked.length, before + 1);
});

test("recall() asks containerd nothing about a blob that no manifest names", async (t) => {
  const { repositories, asked } = pullOf(t);
  assert.deepEqual(await repositories.recall(manifest, t), []);
  assert.deepEqual(asked, []);
});

test("find() gives what was learnt when containerd is down, and what images are named for", async (t) => {
  const provenance = new Provenance();
  const learnt = { registry: "r.example", repository: "learnt" };
  provenance.learn(learnt, { digest: layer });
  const down = () => Promise.reject(new UnavailableError("down"));
  const containerd = { ...containerdWith({}), namespaces: down, images: async () => [] };
  const repositories = new BlobRepositories({ containerd, provenance, hosts: [] });
  assert.deepEqual(await repositories.find(layer, t), [learnt]);
  await assert.rejects(repositories.find(manifest, t), UnavailableError);
  const images = async () => [{ name: "named.example/app:1", target: manifest }];
  const up = { ...containerdWith({ default: [] }), images };
  const named = new BlobRepositories({ containerd: up, provenance, hosts: [] });
  const expected = { registry: "named.example", repository: "app" };
  assert.deepEqual(await named.find(manifest, t), [expected]);
});
