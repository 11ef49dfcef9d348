import { join } from "node:path";

import { ensurePackages } from "../integration/support/apt-packages.ts";
import { alternate } from "./alternate.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { writeSampleBlob } from "./sample-blob.ts";
import { enginePackages } from "./swarm/start-peer.ts";
import { transferOnce, type Transfer } from "./swarm/transfer-once.ts";

/** A large layer. */
const defaultSizeBytes = 2 ** 30;

const mebibyte = 2 ** 20;

/** How fast one node gets a blob from one seeder, against engines that others have made. */
export const swarm: Measurement = {
  name: "swarm",
  summary: "one seeder to one node, 1 GiB: against stock webtorrent and libtorrent",
  rounds: 5,
  withinMs: 20 * 60_000,
  run: measureSwarm,
};

async function measureSwarm(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, signal, tell, sizeBytes = defaultSizeBytes } = context;
  await ensurePackages(enginePackages);
  tell(`writing a blob of ${Math.round(sizeBytes / mebibyte)} MiB`);
  const directory = join(context.directory, "seeder");
  const blob = await writeSampleBlob({ size: sizeBytes, seed: "swarm", directory });

  const transferBy = (engine: "shoal" | "webtorrent" | "libtorrent") => () =>
    transferOnce({ engine, blob, directory: context.directory, signal });
  const { ours, webtorrent, libtorrent } = await alternate(
    {
      ours: transferBy("shoal"),
      webtorrent: transferBy("webtorrent"),
      libtorrent: transferBy("libtorrent"),
    },
    { rounds, signal, onTurn: (side, round) => tell(`round ${round + 1}: ${side}`) },
  );
  return [
    ...compare("webtorrent", { ours, reference: webtorrent, atLeast: 1.5, sizeBytes }),
    ...compare("libtorrent", { ours, reference: libtorrent, atLeast: 1, sizeBytes }),
  ];
}

interface Comparison {
  readonly ours: readonly Transfer[];
  readonly reference: readonly Transfer[];
  readonly atLeast: number;
  readonly sizeBytes: number;
}

function compare(name: string, { ours, reference, atLeast, sizeBytes }: Comparison): Figure[] {
  const figure = (what: string, unit: string, of: (transfer: Transfer) => number) => ({
    ...{ name: `swarm.${name}${what}`, unit },
    ours: ours.map(of),
    reference: reference.map(of),
  });
  const rate = (milliseconds: number) => sizeBytes / 1e6 / (milliseconds / 1000);
  const cpu = ({ seeder, leecher }: Transfer) => seeder.cpuSeconds + leecher.cpuSeconds;
  return [
    { ...figure("", "MB/s", ({ checkedMs }) => rate(checkedMs)), hold: { atLeast } },
    { ...figure(".on-disk", "MB/s", ({ durableMs }) => rate(durableMs)), hold: { atLeast } },
    figure(".cpu", "s", cpu),
    figure(".rss-leecher", "MiB", ({ leecher }) => leecher.rssMaxBytes / mebibyte),
    figure(".rss-seeder", "MiB", ({ seeder }) => seeder.rssMaxBytes / mebibyte),
  ];
}
