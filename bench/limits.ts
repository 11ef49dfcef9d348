import { withDisposeStack } from "../core/async/dispose-stack.ts";
import { HostLimits } from "../core/limits/host-limits.ts";
import type { Figure } from "./figure.ts";
import { type FlowWindows, watchFlows } from "./limits/flow-windows.ts";
import { fetchOn, openNode, readAll, seedOn, serveBlob } from "./limits/limited-flows.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { type SampleBlob, writeSampleBlob } from "./sample-blob.ts";

const mebibyte = 2 ** 20;

/** Far below what this engine can do, so that it is the limit that is measured. */
const bytesPerSecond = 40 * mebibyte;

/** Bytes that each way has to give, with which both together take 12 s. */
const defaultSizeBytes = 240 * mebibyte;

const none = { upload: 0, download: 0, origin: 0, preheat: 0 };

/** How well limits hold over any 5 s, for several ways together. */
export const limits: Measurement = {
  name: "limits",
  summary: "bytes of any 5 s against a limit of 40 MiB/s, for peers and web seeds together",
  rounds: 1,
  withinMs: 5 * 60_000,
  run: measureLimits,
};

async function measureLimits(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, tell, sizeBytes: size = defaultSizeBytes } = context;
  const blobs = {
    first: await writeSampleBlob({ size, seed: "first", directory }),
    second: await writeSampleBlob({ size, seed: "second", directory }),
  };
  const downloads: FlowWindows[] = [];
  const uploads: FlowWindows[] = [];
  for (let round = 0; round < rounds; round++) {
    tell(`round ${round + 1}: download`);
    downloads.push(await downloadOnce(context, blobs));
    tell(`round ${round + 1}: upload`);
    uploads.push(await uploadOnce(context, blobs));
  }
  const unit = "of the limit";
  return Object.entries({ downloads, uploads }).flatMap(([name, windows]) => [
    {
      ...{ name: `limits.${name}.most`, unit, hold: { atMost: 1.05 } },
      ours: windows.map(({ most }) => most),
    },
    {
      ...{ name: `limits.${name}.least`, unit, hold: { atLeast: 0.95 } },
      ours: windows.map(({ least }) => least),
    },
  ]);
}

interface Blobs {
  readonly first: SampleBlob;
  readonly second: SampleBlob;
}

/** A node gets one blob from two peers, another from a web seed. */
async function downloadOnce(context: BenchContext, { first, second }: Blobs): Promise<FlowWindows> {
  return withDisposeStack(async (stack) => {
    const flow = { ...context, stack };
    const host = new HostLimits();
    host.set({ ...none, download: bytesPerSecond });
    const peers = [seedOn(await openNode(flow), first), seedOn(await openNode(flow), first)];
    const url = await serveBlob(second, { stack, limits: new HostLimits() });
    const node = await openNode(flow, host);
    const running = [
      await fetchOn(node, first, { ...flow, name: "from-peers", peers, webSeeds: [] }),
      await fetchOn(node, second, { ...flow, name: "from-web", peers: [], webSeeds: [url] }),
    ];
    const counters = running.map((download) => () => download.bytesDone);
    return watch(counters, { size: first.size, signal: context.signal });
  });
}

/** A node gives one blob to two peers, another by HTTP. */
async function uploadOnce(context: BenchContext, { first, second }: Blobs): Promise<FlowWindows> {
  return withDisposeStack(async (stack) => {
    const flow = { ...context, stack };
    const host = new HostLimits();
    host.set({ ...none, upload: bytesPerSecond });
    const peers = [seedOn(await openNode(flow, host), first)];
    const url = await serveBlob(second, { stack, limits: host });
    const running = await Promise.all(
      ["one", "other"].map(async (name) =>
        fetchOn(await openNode(flow), first, { ...flow, name, peers, webSeeds: [] }),
      ),
    );
    let read = 0;
    // It ends with the server.
    readAll(url, (bytes) => (read += bytes)).catch(() => undefined);
    const counters = [...running.map((download) => () => download.bytesDone), () => read];
    return watch(counters, { size: first.size, signal: context.signal });
  });
}

/** Until one way has given nearly all: what is left for the others may be less than the limit. */
async function watch(
  counters: readonly (() => number)[],
  { size, signal }: { readonly size: number; readonly signal: AbortSignal },
): Promise<FlowWindows> {
  return watchFlows(counters, { end: size * 0.95, bytesPerSecond, signal });
}
