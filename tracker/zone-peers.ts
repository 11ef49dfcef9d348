import type { IpFamily } from "../core/ip-address.ts";
import { PeerGroup, type SwarmPeer } from "./peer-group.ts";

/** Stands for each group that is not needed yet, and stays empty: most swarms are of one kind and family. */
const nobody = new PeerGroup();

interface ZoneNames {
  readonly name?: string;
  readonly region?: string | undefined;
  readonly founder?: string;
}

/** The peers of one swarm in one zone, or those of which nobody knows where they are. */
export class ZonePeers {
  /** `undefined` for those of whom nobody knows. */
  readonly name: string | undefined;
  readonly region: string | undefined;
  /** The key of the peer that named it first. */
  readonly founder: string | undefined;
  readonly seeders: Record<IpFamily, PeerGroup> = { 4: nobody, 6: nobody };
  readonly leechers: Record<IpFamily, PeerGroup> = { 4: nobody, 6: nobody };

  constructor({ name, region, founder }: ZoneNames = {}) {
    this.name = name;
    this.region = region;
    this.founder = founder;
  }

  get seederCount(): number {
    return this.seeders[4].size + this.seeders[6].size;
  }

  get size(): number {
    return this.seederCount + this.leechers[4].size + this.leechers[6].size;
  }

  /** The group that a peer of this zone belongs to, which is made when it is the first. */
  groupOf({ seeder, tracked: { family } }: SwarmPeer): PeerGroup {
    const groups = seeder ? this.seeders : this.leechers;
    if (groups[family] === nobody) groups[family] = new PeerGroup();
    return groups[family];
  }
}
