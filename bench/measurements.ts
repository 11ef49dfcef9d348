import { coldCrowd } from "./cold-crowd.ts";
import { flashCrowd } from "./flash-crowd.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { limits } from "./limits.ts";
import { link } from "./link.ts";
import type { Measurement } from "./measurement.ts";
import { memory } from "./memory.ts";
import { mirror } from "./mirror.ts";
import { pull } from "./pull.ts";
import { readPath } from "./read-path.ts";
import { ready } from "./ready.ts";
import { reader } from "./reader.ts";
import { simulate } from "./simulate.ts";
import { swarmCrowd } from "./swarm-crowd.ts";
import { swarm } from "./swarm.ts";
import { topology } from "./topology.ts";
import { tracker } from "./tracker.ts";
import { unpack } from "./unpack.ts";

/** All that can be measured, in the order in which `all` does it. */
export const measurements: readonly Measurement[] = [
  readPath,
  unpack,
  pull,
  ready,
  mirror,
  swarm,
  link,
  swarmCrowd,
  flashCrowd,
  reader,
  topology,
  coldCrowd,
  simulate,
  limits,
  latency,
  tracker,
  idle,
  memory,
];
