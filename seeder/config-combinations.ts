import type { Combination } from "../core/config/combination.ts";
import { overlappingListeners } from "../core/config/overlapping-listeners.ts";
import { repeatedHosts } from "../core/config/registry-schema.ts";
import type { SeederConfig } from "./config.ts";
import { nodesAtOnceDefault } from "./nodes/preheat-schema.ts";

const listeners: Combination<SeederConfig> = {
  reads: ["listen", "swarm.listen"],
  problemsIn: ({ listen, swarm }) =>
    overlappingListeners([
      { path: ["listen"], address: listen },
      { path: ["swarm", "listen"], address: swarm.listen },
    ]),
};

const hosts: Combination<SeederConfig> = {
  reads: ["origins"],
  problemsIn: ({ origins }) => repeatedHosts(origins, ["origins"]),
};

const someOrigin: Combination<SeederConfig> = {
  reads: ["origins", "otherRegistries"],
  *problemsIn({ origins, otherRegistries }) {
    if (otherRegistries || origins.length > 0) return;
    const message =
      "is false, and there are no origins: nothing could be fetched, want one of both";
    yield { path: ["otherRegistries"], message };
  },
};

const nodes: Combination<SeederConfig> = {
  reads: ["preheat.nodesMax", "preheat.nodesAtOnce"],
  *problemsIn({ preheat: { nodesMax, nodesAtOnce } }) {
    // A default contradicts nobody who allows few nodes.
    if (nodesAtOnce <= nodesMax || nodesAtOnce === nodesAtOnceDefault) return;
    const message = `is ${nodesAtOnce}, want at most preheat.nodesMax, ${nodesMax}`;
    yield { path: ["preheat", "nodesAtOnce"], message };
  },
};

const whoNotifies: Combination<SeederConfig> = {
  reads: ["enabled", "secret", "secretFile", "open"].map((key) => `notifications.${key}`),
  *problemsIn({ notifications: { enabled, open, secret, secretFile } }) {
    if (!enabled || open !== ((secret ?? secretFile) !== undefined)) return;
    const message =
      "decides who may tell of pushes: want it, or secretFile, or open: true, and not both";
    yield { path: ["notifications", "secret"], message };
  },
};

const whoPushes: Combination<SeederConfig> = {
  reads: ["push.enabled", "push.tokenFile", "push.open"],
  *problemsIn({ push: { enabled, open, tokenFile } }) {
    if (!enabled || open !== (tokenFile !== undefined)) return;
    const message = "decides who may push: want it, or open: true, and not both";
    yield { path: ["push", "tokenFile"], message };
  },
};

const wherePushesGo: Combination<SeederConfig> = {
  reads: ["push.enabled", "push.registry", "origins", "otherRegistries"],
  *problemsIn({ push: { enabled, registry }, origins, otherRegistries }) {
    const path = ["push", "registry"];
    if (!enabled) return;
    if (registry === undefined) {
      yield { path, message: "is missing: want the registry that pushed images belong to" };
      return;
    }
    const listed = origins.find(({ host }) => host === registry);
    if (listed?.kind === "directory") {
      yield { path, message: `is ${registry}, a directory in "origins", want a registry` };
    } else if (!listed && !otherRegistries) {
      yield { path, message: `is ${registry}, which is none of "origins", want one of them` };
    }
  },
};

/** What keys of a seeder's configuration must be together. */
export const seederCombinations = [
  listeners,
  hosts,
  someOrigin,
  nodes,
  whoNotifies,
  whoPushes,
  wherePushesGo,
] as const;
