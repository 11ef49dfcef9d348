import { join } from "node:path";

import { ensurePackages } from "../../integration/support/apt-packages.ts";
import type { NetworkHost } from "../../integration/support/network.ts";
import { alternate } from "../alternate.ts";
import type { Figure } from "../figure.ts";
import type { BenchContext } from "../measurement.ts";
import { writeSampleBlob } from "../sample-blob.ts";
import { enginePackages, type Program } from "./start-peer.ts";
import { transferOnce, type Transfer } from "./transfer-once.ts";

/** A large layer. */
const defaultSizeBytes = 2 ** 30;

const mebibyte = 2 ** 20;

/** What our transfers are compared with: how many times as fast they must be. */
export interface TransferComparison {
  /** First word of the figures' names. */
  readonly name: string;
  readonly hosts: { readonly seeder: NetworkHost; readonly leecher: NetworkHost };
  readonly atLeast: Readonly<Partial<Record<Program, number>>>;
}

/** Measures how fast one node gets a blob from one seeder: with ours, and with each of the others. */
export async function compareTransfers(
  context: BenchContext,
  { name, hosts, atLeast }: TransferComparison,
): Promise<readonly Figure[]> {
  const { rounds, signal, tell, sizeBytes = defaultSizeBytes } = context;
  await ensurePackages(enginePackages);
  tell(`writing a blob of ${Math.round(sizeBytes / mebibyte)} MiB`);
  const directory = join(context.directory, "seeder");
  const blob = await writeSampleBlob({ size: sizeBytes, seed: "swarm", directory });

  const others = Object.keys(atLeast) as Program[];
  const programs: readonly Program[] = ["shoal", ...others];
  const transferBy = (program: Program) => () =>
    transferOnce({ program, blob, hosts, directory: context.directory, signal });
  const results = await alternate(
    Object.fromEntries(programs.map((program) => [program, transferBy(program)])),
    { rounds, signal, onTurn: (side, round) => tell(`round ${round + 1}: ${side}`) },
  );
  return others.flatMap((other) => {
    const both = { ours: results["shoal"] ?? [], reference: results[other] ?? [] };
    return compare(`${name}.${other}`, { ...both, atLeast: atLeast[other], sizeBytes });
  });
}

interface Comparison {
  readonly ours: readonly Transfer[];
  readonly reference: readonly Transfer[];
  readonly atLeast: number | undefined;
  readonly sizeBytes: number;
}

function compare(name: string, { ours, reference, atLeast, sizeBytes }: Comparison): Figure[] {
  const figure = (what: string, unit: string, of: (transfer: Transfer) => number) => ({
    ...{ name: `${name}${what}`, unit },
    ours: ours.map(of),
    reference: reference.map(of),
  });
  const hold = atLeast === undefined ? {} : { hold: { atLeast } };
  const rate = (milliseconds: number) => sizeBytes / 1e6 / (milliseconds / 1000);
  const cpu = ({ seeder, leecher }: Transfer) => seeder.cpuSeconds + leecher.cpuSeconds;
  return [
    { ...figure("", "MB/s", ({ checkedMs }) => rate(checkedMs)), ...hold },
    { ...figure(".on-disk", "MB/s", ({ durableMs }) => rate(durableMs)), ...hold },
    figure(".cpu", "s", cpu),
    figure(".rss-leecher", "MiB", ({ leecher }) => leecher.rssMaxBytes / mebibyte),
    figure(".rss-seeder", "MiB", ({ seeder }) => seeder.rssMaxBytes / mebibyte),
  ];
}
