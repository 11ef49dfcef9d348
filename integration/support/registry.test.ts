import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { isDownload } from "./access-log.ts";
import { requestHttp } from "./http.ts";
import { pushImage } from "./image-push.ts";
import { buildImage, sizeOfManifest } from "./image.ts";
import { stackOf } from "./interruptible.ts";
import { basicCredentials, registryUser } from "./registry-auth.ts";
import { startRegistry } from "./registry.ts";
import { smallImage } from "./sample-images.ts";
import { createTestDirectory } from "./test-directory.ts";
import { startTokenServer } from "./token-server.ts";

test("a registry keeps images in either form, of all platforms", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const registry = stack.use(await startRegistry({ directory: directory.path }));
  for (const mediaTypes of ["oci", "docker"] as const) {
    const image = await buildImage({
      ...smallImage(mediaTypes),
      mediaTypes,
      hasOtherPlatform: true,
    });
    await pushImage(image, registry, { name: `samples/${mediaTypes}:1` });
    const path = `/v2/samples/${mediaTypes}/manifests/1`;
    const accept = image.index.mediaType;
    const { headers, body } = await requestHttp(registry.endpoint, { path, headers: { accept } });
    assert.equal(headers["docker-content-digest"], image.index.digest);
    assert.equal(headers["content-type"], image.index.mediaType);
    assert.equal(body.byteLength, image.index.size);
    assert.equal(image.manifests.length, 2);
  }
});

test("a registry tells what it was asked, and for which part", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const registry = stack.use(await startRegistry({ directory: directory.path }));
  const image = await buildImage(smallImage("ranges"));
  await pushImage(image, registry, { name: "samples/app:1" });
  await registry.forgetRequests();
  const layer = image.manifests[0]?.layers[0];
  assert.ok(layer);
  const path = `/v2/samples/app/blobs/${layer.digest}`;

  await requestHttp(registry.endpoint, { path, headers: { range: "bytes=1000-1999" } });

  const [request] = (await registry.requests()).filter(isDownload);
  assert.deepEqual(
    { path: request?.path, bytes: request?.bytes, isPartial: request?.isPartial },
    { path, bytes: 1000, isPartial: true },
  );
});

test("a registry with Basic authentication lets in whom it knows", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const auth = { kind: "basic" } as const;
  const registry = stack.use(await startRegistry({ directory: directory.path, auth }));
  const authorization = basicCredentials(registryUser);

  const stranger = await requestHttp(registry.endpoint, { path: "/v2/" });
  const known = await requestHttp(registry.endpoint, { path: "/v2/", headers: { authorization } });

  assert.equal(stranger.status, 401);
  assert.match(String(stranger.headers["www-authenticate"]), /^Basic /);
  assert.equal(known.status, 200);
});

test("a registry with a token server lets in who has a token for a repository", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const tokens = stack.use(await startTokenServer({ directory: directory.path }));
  const registry = stack.use(
    await startRegistry({ directory: join(directory.path, "registry"), auth: tokens.auth }),
  );
  const path = "/v2/samples/app/tags/list";

  const stranger = await requestHttp(registry.endpoint, { path });
  const challenge = String(stranger.headers["www-authenticate"]);
  const [, realm = "", service = "", scope = ""] =
    /^Bearer realm="([^"]+)",service="([^"]+)",scope="([^"]+)"/.exec(challenge) ?? [];
  const url = new URL(`?${new URLSearchParams({ service, scope }).toString()}`, realm);
  const granted = await requestHttp(
    { host: url.host },
    { path: url.href, headers: { authorization: basicCredentials(registryUser) } },
  );
  const { token } = JSON.parse(granted.body.toString()) as { token: string };
  const known = await requestHttp(registry.endpoint, {
    ...{ path, headers: { authorization: `Bearer ${token}` } },
  });

  assert.equal(stranger.status, 401);
  // Let in, to find that there is no such repository.
  assert.equal(known.status, 404);
  assert.equal(tokens.requests.filter(({ isGranted }) => isGranted).length, 1);
});

test("an image is the same whenever it is built, and its size is that of its blobs", async () => {
  const image = await buildImage(smallImage("twice"));
  const again = await buildImage(smallImage("twice"));
  const other = await buildImage(smallImage("other"));
  assert.deepEqual(again, image);
  const layersOf = (built: typeof image) => built.manifests.flatMap(({ layers }) => layers);
  const digests = new Set(layersOf(image).map(({ digest }) => digest));
  assert.ok(layersOf(other).every(({ digest }) => !digests.has(digest)));
  const size = image.manifests.reduce((sum, manifest) => sum + sizeOfManifest(manifest), 0);
  assert.ok(size > 6_000_000 && size < 20_000_000, `${size} bytes`);
});
