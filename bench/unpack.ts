import assert from "node:assert/strict";
import { join } from "node:path";

import { ensureInstalledContainerd } from "../integration/support/containerd-release.ts";
import { Containerd } from "../integration/support/containerd.ts";
import { importLayout } from "../integration/support/unpack/unpack-by-containerd.ts";
import { alternate } from "./alternate.ts";
import { LayerUnpacker } from "./containerd/layer-unpacker.ts";
import type { Figure } from "./figure.ts";
import { levelFileState } from "./file-state.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { usageOf } from "./process-usage.ts";
import { OurUnpacker } from "./unpack/our-unpacker.ts";
import {
  longWindowLayer,
  machineLayer,
  smallFilesLayer,
  type SampleLayer,
} from "./unpack/sample-layers.ts";

/** Before compression: a large layer of real images. */
const defaultSizeBytes = 500_000_000;

/** Files of the layer of small ones, at the default size. */
const defaultFileCount = 100_000;

/** Both sides have this processor and no other. */
const processor = 1;

/** Layers that unpack at once where their memory is measured. */
const layersAtOnce = 4;

const mebibyte = 2 ** 20;

/** In MiB. */
const memoryPerLayerMax = 64;

/** How fast one layer is unpacked on one processor, and what memory it takes. */
export const unpack: Measurement = {
  name: "unpack",
  summary: "unpack of one layer on one core: against containerd's Diff.Apply of the same file",
  rounds: 5,
  withinMs: 30 * 60_000,
  run: measureUnpack,
};

async function measureUnpack(context: BenchContext): Promise<readonly Figure[]> {
  const { directory, signal, stack, tell, sizeBytes = defaultSizeBytes } = context;
  tell("making the layers");
  const gzip = await machineLayer("gzip", { sizeBytes, signal });
  const zstd = await machineLayer("zstd", { sizeBytes, signal });
  const fileCount = Math.ceil((defaultFileCount * sizeBytes) / defaultSizeBytes);
  const small = await smallFilesLayer(fileCount, { directory: join(directory, "small-files") });
  const path = join(directory, "long-window.blob");
  const longWindow = await longWindowLayer(gzip, { path, signal });
  const release = await ensureInstalledContainerd();
  const containerd = stack.use(
    await Containerd.start(
      { release, directory: join(directory, "containerd"), processor },
      { signal },
    ),
  );
  assert.equal(containerd.snapshotter, "overlayfs");
  for (const { layout } of [gzip, zstd, small]) {
    await importLayout(containerd, layout, { archive: join(directory, "import.tar") });
  }
  const sides = {
    ours: stack.use(await OurUnpacker.start({ directory, processor, signal })),
    theirs: stack.use(await LayerUnpacker.open(containerd, { above: true })),
  };
  return [
    await compare(gzip, { ...context, ...sides, atMost: 1 }),
    await compare(zstd, { ...context, ...sides, atMost: 1 }),
    await compare(small, { ...context, ...sides, atMost: 1.3 }),
    ...(await measureMemory([gzip, longWindow, small], context)),
  ];
}

interface Comparison extends BenchContext {
  readonly ours: OurUnpacker;
  readonly theirs: LayerUnpacker;
  readonly atMost: number;
}

async function compare(layer: SampleLayer, comparison: Comparison): Promise<Figure> {
  const { ours, theirs, atMost, directory, rounds, signal, tell } = comparison;
  const leveled = (unpackOnce: () => Promise<number>) => async () => {
    await levelFileState(directory, layer.sizeBytes);
    return unpackOnce();
  };
  const times = await alternate(
    {
      ours: leveled(() => ours.unpack(requestFor(layer))),
      reference: leveled(() => theirs.unpack(layer.descriptor)),
    },
    {
      ...{ rounds, signal },
      onTurn: (side, round) => tell(`${layer.name}, round ${round + 1}: ${side}`),
    },
  );
  return { name: `unpack.${layer.name}`, unit: "ms", ...times, hold: { atMost } };
}

/** Memory that a new process takes for each layer besides what it has when it is idle. */
async function measureMemory(
  layers: readonly SampleLayer[],
  { directory, signal, tell }: BenchContext,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const layer of layers) {
    tell(`memory of ${layersAtOnce} layers at once: ${layer.name}`);
    const unpacker = await OurUnpacker.start({ directory, signal });
    try {
      const { rssBytes } = await usageOf(unpacker.pid);
      await unpacker.unpack(requestFor(layer), { times: layersAtOnce });
      const { rssMaxBytes } = await usageOf(unpacker.pid);
      const ours = [(rssMaxBytes - rssBytes) / layersAtOnce / mebibyte];
      const hold = { atMost: memoryPerLayerMax };
      figures.push({ name: `unpack.memory.${layer.name}`, unit: "MiB", ours, hold });
    } finally {
      await unpacker[Symbol.asyncDispose]();
    }
  }
  return figures;
}

function requestFor({
  blobPath,
  descriptor,
  diffId,
}: SampleLayer): Parameters<OurUnpacker["unpack"]>[0] {
  return { blobPath, diffId, digest: descriptor.digest, mediaType: descriptor.mediaType };
}
