import assert from "node:assert/strict";
import type { TestContext } from "node:test";

import { SystemClock } from "../core/system/system-clock.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { FakeRegistry } from "../core/testing/fake-registry.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { parseSeederConfig } from "./config.ts";
import type { BlobEvent, EndEvent, PreheatEvent } from "./preheat-event.ts";
import { type Seeder, startSeeder } from "./service.ts";

/** A seeder of a fake registry, for one test. */
export interface TestSeeder {
  readonly seeder: Seeder;
  readonly registry: FakeRegistry;
  readonly logger: MemoryLogger;
  /** Base URL. */
  readonly url: string;
  readonly root: string;
  /** Preheats `pond/fish:latest`, or what the request says. */
  readonly preheat: (request?: object, options?: { signal: AbortSignal }) => Promise<Preheated>;
  readonly blob: (digest: string, init?: RequestInit) => Promise<Response>;
}

/** What a preheat told. */
export interface Preheated {
  readonly end: EndEvent;
  /** The last event of each blob. */
  readonly blobs: ReadonlyMap<string, BlobEvent>;
}

export interface TestSeederOptions {
  readonly registry?: FakeRegistry;
  readonly root?: string;
  /** Merged into the configuration. */
  readonly store?: object;
  readonly config?: object;
}

/** Starts a seeder whose only origin is a fake registry. */
export async function openTestSeeder(
  t: TestContext,
  options: TestSeederOptions = {},
): Promise<TestSeeder> {
  const root = options.root ?? testFolder(t);
  const registry = options.registry ?? (await openRegistry(t));
  const config = {
    listen: "127.0.0.1:0",
    swarm: { listen: "127.0.0.1:0" },
    store: { root, ...options.store },
    origins: [{ kind: "registry", host: registry.host }],
    ...options.config,
  };
  const logger = new MemoryLogger();
  const deps = { logger, clock: new SystemClock() };
  const parsed = parseSeederConfig(JSON.stringify(config), "test");
  const seeder = cleanUpOf(t).use(await startSeeder(parsed, deps, t));
  const url = `http://127.0.0.1:${seeder.http.port}`;
  const image = `${registry.host}/pond/fish:latest`;
  return {
    ...{ seeder, registry, logger, url, root },
    preheat: async (request = {}, { signal } = t) => {
      const body = JSON.stringify({ image, platforms: "all", ...request });
      return preheatedBy(await fetch(`${url}/v1/preheat`, { method: "POST", body, signal }));
    },
    blob: async (digest, init = {}) => fetch(`${url}/v1/blobs/${digest}`, { ...init }),
  };
}

export async function openRegistry(t: TestContext): Promise<FakeRegistry> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  return registry;
}

/** Bytes of that length which no other seed gives. */
export function bytesOf(length: number, seed: string): Buffer {
  return Buffer.alloc(length, `${seed} `);
}

async function preheatedBy(response: Response): Promise<Preheated> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const events = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as PreheatEvent);
  const end = events.pop();
  assert.equal(end?.event, "end");
  const blobs = events.filter((event) => event.event === "blob");
  return { end, blobs: new Map(blobs.map((event) => [event.digest, event])) };
}
