// Plain sockets, to be compared with: a blob as fast as this runtime moves, hashes and stores
// it, without a swarm. Started by start-peer.ts.
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

import { parseMetainfo } from "../../core/metainfo.ts";
import { sayDone, waitForEnd, waitForGo } from "./peer-cues.ts";
import { parsePeerSpec, readyLine } from "./peer-spec.ts";
import { fetchPlainly } from "./plain-fetch.ts";
import { servePlainly } from "./plain-serve.ts";

const spec = parsePeerSpec(process.argv[2]);
const metainfo = parseMetainfo(await readFile(spec.torrentPath));
const path = join(spec.directory, metainfo.digest);

if (spec.role === "seed") await seed();
else await leech();

async function seed(): Promise<void> {
  const file = await open(path, "r");
  const server = await servePlainly({ file, layout: metainfo.layout, at: spec });
  process.stdout.write(`${readyLine}\n`);
  await waitForEnd();
  server.close();
  await file.close();
}

async function leech(): Promise<void> {
  const file = await open(path, "w");
  await file.truncate(metainfo.layout.size);
  await waitForGo();

  const start = performance.now();
  await fetchPlainly({ file, metainfo, from: spec.seeder });
  const checkedMs = performance.now() - start;
  await file.datasync();
  await sayDone(checkedMs, performance.now() - start);
  await file.close();
}
