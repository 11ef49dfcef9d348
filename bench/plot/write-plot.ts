import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { BenchContext } from "../measurement.ts";
import { completionPlot, type CompletionPlot } from "./completion-plot.ts";

/** Draws a plot into the folder that the user has named for it, if any, as `<name>.svg`. */
export async function writePlot(
  { plotsDirectory, tell }: Pick<BenchContext, "plotsDirectory" | "tell">,
  name: string,
  plot: CompletionPlot,
): Promise<void> {
  if (plotsDirectory === undefined) return;
  await mkdir(plotsDirectory, { recursive: true });
  const path = join(plotsDirectory, `${name}.svg`);
  await writeFile(path, completionPlot(plot));
  tell(`wrote ${path}`);
}
