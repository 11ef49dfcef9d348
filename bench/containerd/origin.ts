import { join } from "node:path";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import { startRegistry, type Registry } from "../../integration/support/registry.ts";
import type { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";
import { createMachine, startSeeder, startTracker, type DaemonPlace } from "../daemons.ts";

export interface OriginOptions {
  /** Takes all that is kept. */
  readonly directory: string;
  /** Whether there are a tracker and a seeder, or nobody but the registry. */
  readonly withSwarm: boolean;
  readonly signal: AbortSignal;
}

/**
 * What images are pulled from, on the loopback of a network namespace in which the
 * nodes have their place too. Dispose of it to end it all.
 */
export interface Origin extends AsyncDisposable {
  readonly place: DaemonPlace;
  readonly registry: Registry;
  readonly seeder: ShoalDaemon | undefined;
}

export async function startOrigin(options: OriginOptions): Promise<Origin> {
  const { directory, withSwarm, signal } = options;
  const started = new DisposeStack();
  try {
    const on = started.use(await createMachine()).host("machine");
    const place: DaemonPlace = { on, directory, signal };
    const registryDirectory = join(directory, "registry");
    const registry = started.use(await startRegistry({ directory: registryDirectory, on }));
    if (withSwarm) started.use(await startTracker(place));
    const seeder = withSwarm
      ? started.use(await startSeeder(place, { registry: registry.host }))
      : undefined;
    return {
      ...{ place, registry, seeder },
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}
