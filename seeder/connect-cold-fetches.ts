import type { DisposeStack } from "../core/async/dispose-stack.ts";
import type { Swarm } from "../core/ports/swarm.ts";
import { ColdFetches, type ColdFetchesDeps } from "./cold-fetches.ts";
import { GrowingSeeds, type GrowingSeedsDeps } from "./growing-seeds.ts";

/** Joins what fetches blobs for nodes, and gives them to peers meanwhile. */
export function connectColdFetches({
  swarm,
  started,
  ...deps
}: Omit<ColdFetchesDeps, "growing" | "store"> & {
  readonly swarm: Pick<Swarm, "seedGrowing">;
  readonly store: ColdFetchesDeps["store"] & GrowingSeedsDeps["store"];
  readonly started: DisposeStack;
}): ColdFetches {
  const { store, logger } = deps;
  const growing = started.use(new GrowingSeeds({ store, swarm, logger }));
  return started.use(new ColdFetches({ ...deps, growing }));
}
