import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext } from "node:test";

import { type Digest, digestOf } from "../core/digest.ts";
import { BlobNotFoundError } from "../core/errors.ts";
import { type Metainfo, createMetainfo } from "../core/metainfo.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import type { DirectoryEntry } from "../core/ports/directory.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { type ScriptedDownload, ScriptedSwarm } from "../core/testing/scripted-swarm.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { Arrival } from "./arrival.ts";
import type { ArrivalDeps } from "./arrival-deps.ts";
import { BlobLookup } from "./blob-lookup.ts";

export const bytes = Buffer.alloc(300_000, "arriving ");
export const digest = digestOf(bytes);

export function metainfoWith(salt: string): Metainfo {
  const pieceHashes = Buffer.concat(
    [0, 1, 2].map((index) => createHash("sha1").update(`${salt}${index}`).digest()),
  );
  return createMetainfo({ digest, size: bytes.length, pieceHashes });
}

export const metainfo = metainfoWith("");

export interface Bench {
  readonly swarm: ScriptedSwarm;
  readonly answers: (DirectoryEntry | undefined)[];
  readonly refused: ReadonlySet<string>[];
  readonly arrived: Digest[];
  readonly logger: MemoryLogger;
  /** What the store knows of the blob. */
  record: BlobRecord | undefined;
  /** It has the metainfo, too. */
  isKept: boolean;
  /** The metainfo with which the blob arrived. */
  found: Metainfo | undefined;
  start(options?: {
    readonly promised?: boolean;
    readonly trustPeers?: boolean;
    readonly lastResort?: ArrivalDeps["lastResort"];
    readonly coldFetch?: ArrivalDeps["coldFetch"];
  }): Arrival;
}

/** An arrival's surroundings: a directory that gives `answers` in turn, a store of one file. */
export async function benchOf(t: TestContext): Promise<Bench> {
  const folder = testFolder(t, "arrival");
  const path = join(folder, "data");
  await writeFile(path, bytes);
  const swarm = new ScriptedSwarm();
  const answers: (DirectoryEntry | undefined)[] = [{ metainfo, peers: [], webSeeds: [] }];
  const refused: ReadonlySet<string>[] = [];
  const arrived: Digest[] = [];
  const logger = new MemoryLogger();
  const lookup = new BlobLookup({
    logger,
    directory: {
      publish: () => undefined,
      lookup: async (_digest, options) => {
        refused.push(new Set(options.refused));
        return answers.length > 1 ? answers.shift() : answers[0];
      },
    },
  });
  const store = {
    find: () => bench.record,
    metainfo: async () => {
      if (!bench.isKept) throw new BlobNotFoundError(digest);
      return metainfo;
    },
    arrive: async () => ({ digest, path }),
    promise: async () => ({}) as BlobRecord,
    arrived: async (which: Digest, found?: Metainfo) => {
      arrived.push(which);
      bench.found = found;
      return {} as BlobRecord;
    },
    unpromise: async () => undefined,
    discard: async () => undefined,
    arriving: () => [],
  };
  const start: Bench["start"] = (options = {}) => {
    const { promised = false, trustPeers = true, lastResort, coldFetch } = options;
    const arrival = new Arrival(
      {
        store,
        swarm,
        lookup,
        logger,
        trustPeers,
        lastResort,
        coldFetch,
        webSeedsOf: () => [],
        onWhole: () => undefined,
        onReceived: () => undefined,
      },
      { digest, size: bytes.length, promised },
    );
    cleanUpOf(t).use(arrival);
    return arrival;
  };
  const bench: Bench = {
    ...{
      swarm,
      answers,
      refused,
      arrived,
      logger,
      record: undefined,
      isKept: true,
      found: undefined,
      start,
    },
  };
  return bench;
}

export function nextDownload(swarm: ScriptedSwarm): Promise<ScriptedDownload> {
  return new Promise((resolve) => (swarm.onDownload = resolve));
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** A last resort that has the blob and counts who asks. */
export function lastResortOf(described: Metainfo): {
  readonly asked: readonly string[];
  readonly lastResort: ArrivalDeps["lastResort"];
} {
  const asked: string[] = [];
  const lastResort: ArrivalDeps["lastResort"] = {
    async *read(_blob, { start }) {
      asked.push(`read ${start}`);
      yield bytes.subarray(start);
    },
    describe: async () => {
      asked.push("describe");
      return described;
    },
  };
  return { asked, lastResort };
}
