import { swarmConformance } from "../testing/swarm-conformance.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";

swarmConformance("TorrentSwarm", openTestSwarm());
