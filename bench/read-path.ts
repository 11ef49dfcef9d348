import assert from "node:assert/strict";

import type { Descriptor } from "../core/descriptor.ts";
import { pushImage } from "../integration/support/image-push.ts";
import { buildImage } from "../integration/support/image.ts";
import { alternate } from "./alternate.ts";
import { fetchContent } from "./containerd/fetch-content.ts";
import { LayerUnpacker } from "./containerd/layer-unpacker.ts";
import { startNode, type Node } from "./containerd/node.ts";
import { startOrigin } from "./containerd/origin.ts";
import type { Figure } from "./figure.ts";
import { levelFileState } from "./file-state.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { usageOf } from "./process-usage.ts";

/** Files of the machine before compression: a large layer of real images. */
const defaultSizeBytes = 600_000_000;

/** containerd reads a layer that gzip has made in parts of so many bytes, one after the other. */
const readLength = 32 * 1024;

/** How much slower a layer is unpacked when its bytes come from our socket. */
export const readPath: Measurement = {
  name: "read-path",
  summary: "unpack of a gzip layer through us: against containerd's own content store",
  rounds: 7,
  withinMs: 15 * 60_000,
  run: measureReadPath,
};

async function measureReadPath(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, signal, stack, tell, directory, sizeBytes = defaultSizeBytes } = context;
  tell("making the layer");
  const layers = [{ compression: "gzip", sizeBytes, of: "machine" }] as const;
  const image = await buildImage({ seed: "bench read-path", layers }, { signal });
  const layer = image.manifests[0]?.layers[0];
  assert(layer);
  const origin = stack.use(await startOrigin({ directory, withSwarm: false, signal }));
  const ours = stack.use(await startNode("ours", origin));
  const plain = stack.use(await startNode("plain", origin));
  const reference = await pushImage(image, origin.registry, { name: "bench/read-path:1" });

  tell(`fetching ${Math.round(layer.size / 1e6)} MB into both content stores`);
  for (const { containerd } of [ours, plain]) await fetchContent(containerd, reference);

  const unpackers = {
    ours: stack.use(await LayerUnpacker.open(ours.containerd)),
    reference: stack.use(await LayerUnpacker.open(plain.containerd)),
  };
  const unpackBy = (side: keyof typeof unpackers) => async () => {
    await levelFileState(directory, sizeBytes);
    return unpackers[side].unpack(layer);
  };
  const cpuBefore = await cpuSecondsOf(ours);
  const times = await alternate(
    { ours: unpackBy("ours"), reference: unpackBy("reference") },
    { rounds, signal, onTurn: (side, round) => tell(`round ${round + 1}: ${side}`) },
  );
  const cpuPerRound = ((await cpuSecondsOf(ours)) - cpuBefore) / rounds;
  const { name } = readPath;
  return [
    { name, unit: "ms", ...times, hold: { atMost: 1.25 } },
    { name: `${name}.proxy-cpu`, unit: "s", ours: [cpuPerRound] },
    { name: `${name}.reads`, unit: "1/s", ours: readRates(layer, times.ours) },
  ];
}

async function cpuSecondsOf({ proxy }: Node): Promise<number> {
  assert(proxy?.pid !== undefined);
  return (await usageOf(proxy.pid)).cpuSeconds;
}

function readRates({ size }: Descriptor, durationsMs: readonly number[]): number[] {
  return durationsMs.map((durationMs) => size / readLength / (durationMs / 1000));
}
