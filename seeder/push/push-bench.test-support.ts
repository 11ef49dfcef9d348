import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { Descriptor } from "../../core/descriptor.ts";
import { digestOf } from "../../core/digest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { ServiceStatus } from "../../core/service-status.ts";
import type { FakeRegistry } from "../../core/testing/fake-registry.ts";
import { type FakeWrites, takeWrites } from "../../core/testing/fake-registry-writes.ts";
import {
  type TestSeeder,
  type TestSeederOptions,
  openRegistry,
  openTestSeeder,
} from "../open-test-seeder.test-support.ts";

/** A seeder that may be pushed to, and the registry that pushes are for. */
export interface PushBench extends TestSeeder {
  readonly writes: FakeWrites;
  /** A request below `/v2/`. */
  readonly send: (path: string, init?: RequestInit & { duplex?: "half" }) => Promise<Response>;
  /** Pushes a blob at once; gives the answer to its last request. */
  readonly pushBlob: (bytes: Buffer, repository?: string) => Promise<Response>;
  /** Pushes an image, blobs first. */
  readonly pushImage: (layers: readonly Buffer[], name?: string) => Promise<PushedImage>;
  readonly pushes: () => Promise<NonNullable<ServiceStatus["pushes"]>>;
}

export interface PushedImage {
  readonly answer: Response;
  readonly manifest: Descriptor;
  readonly bytes: Buffer;
}

/** Opens both; they are gone after the test. */
export async function openPushBench(
  t: TestContext,
  options: TestSeederOptions & { readonly push?: object } = {},
): Promise<PushBench> {
  const registry = options.registry ?? (await openRegistry(t));
  const writes = takeWrites(registry);
  const push = { enabled: true, registry: registry.host, open: true, ...options.push };
  const bench = await openTestSeeder(t, {
    ...options,
    registry,
    config: { ...options.config, push },
  });
  const send: PushBench["send"] = async (path, init = {}) => fetch(`${bench.url}/v2/${path}`, init);
  const pushBlob: PushBench["pushBlob"] = async (bytes, repository = "pond/fish") => {
    const path = `${repository}/blobs/uploads/?digest=${digestOf(bytes)}`;
    return send(path, { method: "POST", body: bytes });
  };
  return {
    ...{ ...bench, writes, send, pushBlob },
    pushImage: async (layers, name = "pond/fish:1") => {
      const [repository = "", tag = ""] = name.split(":");
      const { bytes, config } = imageOf(layers);
      for (const blob of [config, ...layers]) {
        assert.equal((await pushBlob(blob, repository)).status, 201);
      }
      const answer = await send(`${repository}/manifests/${tag}`, {
        ...{ method: "PUT", body: bytes, headers: { "content-type": mediaTypes.ociManifest } },
      });
      const digest = digestOf(bytes);
      return { answer, bytes, manifest: { mediaType: "", digest, size: bytes.length } };
    },
    pushes: async () => {
      const status = (await (await fetch(`${bench.url}/v1/status`)).json()) as ServiceStatus;
      assert.ok(status.pushes);
      return status.pushes;
    },
  };
}

/** Begins an upload; gives its path below `/v2/`. */
export async function beginUpload({ send }: Pick<PushBench, "send">): Promise<string> {
  const answer = await send("pond/fish/blobs/uploads/", { method: "POST" });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get("range"), "0-0");
  assert.ok(answer.headers.get("docker-upload-uuid"));
  const location = answer.headers.get("location") ?? "";
  assert.match(location, /^\/v2\/pond\/fish\/blobs\/uploads\/[0-9a-f-]+$/);
  return location.slice("/v2/".length);
}

/** The manifest of an image with those layers, and its config. */
export function imageOf(layers: readonly Buffer[]): { bytes: Buffer; config: Buffer } {
  const config = Buffer.from(JSON.stringify({ layers: layers.map(digestOf) }));
  const descriptor = (bytes: Buffer, mediaType: string) => {
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const layerType = "application/vnd.oci.image.layer.v1.tar";
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptor(config, mediaTypes.ociConfig),
    layers: layers.map((layer) => descriptor(layer, layerType)),
  };
  return { bytes: Buffer.from(JSON.stringify(document)), config };
}

/** Waits until nothing waits for the registry any more. */
export async function settled({ pushes }: Pick<PushBench, "pushes">): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  while ((await pushes()).waiting > 0) await sleep(20, undefined, { signal: deadline });
}

/** What the registry has under a name. */
export async function atRegistry(registry: FakeRegistry, path: string): Promise<Response> {
  return fetch(`http://${registry.host}/v2/${path}`);
}

export async function codesOf(response: Response): Promise<string> {
  const { errors } = (await response.json()) as { errors: { code: string }[] };
  return errors.map(({ code }) => code).join();
}
