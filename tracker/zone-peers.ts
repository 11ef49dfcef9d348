import type { IpFamily } from "../core/ip-address.ts";
import { PeerGroup, type SwarmPeer } from "./peer-group.ts";

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
  readonly seeders: Readonly<Record<IpFamily, PeerGroup>> = {
    4: new PeerGroup(),
    6: new PeerGroup(),
  };
  readonly leechers: Readonly<Record<IpFamily, PeerGroup>> = {
    4: new PeerGroup(),
    6: new PeerGroup(),
  };

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

  groupOf(peer: SwarmPeer): PeerGroup {
    return (peer.seeder ? this.seeders : this.leechers)[peer.tracked.family];
  }
}
