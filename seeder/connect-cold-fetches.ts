import type { DisposeStack } from "../core/async/dispose-stack.ts";
import type { Swarm } from "../core/ports/swarm.ts";
import { ColdFetches, type ColdFetchesDeps } from "./cold-fetches.ts";
import { GrowingSeeds } from "./growing-seeds.ts";

/** Joins what fetches blobs for nodes, and gives them to peers meanwhile. */
export function connectColdFetches({
  swarm,
  started,
  ...deps
}: Omit<ColdFetchesDeps, "growing"> & {
  readonly swarm: Pick<Swarm, "seedGrowing">;
  readonly started: DisposeStack;
}): ColdFetches {
  const growing = started.use(new GrowingSeeds({ swarm, logger: deps.logger }));
  return started.use(new ColdFetches({ ...deps, growing }));
}
