import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { join } from "node:path";

import { hexOf } from "../../core/digest.ts";
import { runCommand } from "../../integration/support/command.ts";
import { contentStorePath, mirrorAddress } from "../../integration/support/shoal-config.ts";
import { alternate } from "../alternate.ts";
import { ContentClient } from "../content/content-client.ts";
import { createMachine, proxySocket, startProxy, type DaemonPlace } from "../daemons.ts";
import type { Figure } from "../figure.ts";
import type { BenchContext } from "../measurement.ts";
import { writeSampleBlob } from "../sample-blob.ts";
import { nginxUrl, startNginx } from "./start-nginx.ts";

/** A large layer. */
const defaultSizeBytes = 500_000_000;

/** How fast a client gets a blob that is here: from our mirror, and from nginx, the same file. */
export async function measureBlobRate(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, signal, stack, tell, sizeBytes: size = defaultSizeBytes } = context;
  const directory = join(context.directory, "blob");
  const on = stack.use(await createMachine()).host("machine");
  const place: DaemonPlace = { on, directory, signal };
  stack.use(await startProxy(place, { withTracker: false, withSeeder: false, withMirror: true }));
  tell("writing a blob");
  const sample = { size, seed: "mirror", directory: join(directory, "sample") };
  const { metainfo, path: samplePath } = await writeSampleBlob(sample);
  const { digest } = metainfo;
  const client = stack.use(await ContentClient.open(proxySocket(place)));
  const chunks = createReadStream(samplePath, { highWaterMark: 2 ** 20 });
  await client.write(digest, { size, chunks });
  const store = contentStorePath(join(directory, "proxy"));
  const path = join(store, "blobs", "sha256", hexOf(digest));
  stack.use(await startNginx(path, { on, directory, signal }));
  const mirrorUrl = `http://${mirrorAddress}/v2/bench/blob/blobs/${digest}?ns=registry.example`;
  await assertWhole(mirrorUrl, path, { netns: on.netns });
  const rateOf = (url: string) => async () => {
    const format = "%{size_download} %{time_total}";
    const argv = ["curl", "--silent", "--fail", "-o", "/dev/null", "-w", format, url] as const;
    const { stdout } = await runCommand(argv, { netns: on.netns, signal });
    const [received, seconds] = stdout.split(" ").map(Number);
    assert.equal(received, size, `curl got ${stdout} of ${url}`);
    return size / 1e6 / (seconds ?? 0);
  };
  const rates = await alternate(
    { ours: rateOf(mirrorUrl), reference: rateOf(nginxUrl) },
    { rounds, signal, onTurn: (side, round) => tell(`blob, round ${round + 1}: ${side}`) },
  );
  return [{ name: "mirror.blob", unit: "MB/s", ...rates, hold: { atLeast: 0.8 } }];
}

/** Fills the page cache for both, too. */
async function assertWhole(
  url: string,
  path: string,
  { netns }: { readonly netns: string | undefined },
): Promise<void> {
  const received = `${path}.received`;
  await runCommand(["curl", "--silent", "--fail", "-o", received, url], { netns });
  await runCommand(["cmp", received, path]);
  await runCommand(["rm", received]);
}
