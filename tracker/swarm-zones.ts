import type { Place } from "../core/topology.ts";
import { addressOfKey, networkOfKey } from "./peer-key.ts";
import type { PeerIdentity } from "./peer-table.ts";
import { ZonePeers } from "./zone-peers.ts";

/**
 * Zones of one swarm that are told apart: more than clusters span. A peer that makes up more
 * cannot make each announce look through them: the rest counts as nowhere.
 */
const zonesMax = 32;

/**
 * Zones that one address may be the first of: a host is in one, and a few that share an address
 * may be elsewhere. So nobody who makes up zones takes the room of all others.
 */
const zonesPerAddressMax = 4;

/** The same of an IPv6 network of 64 bits: who has one has addresses without end. */
const zonesPerNetworkMax = zonesMax / 2;

/** The peers of one swarm by the zones that they say they are in. */
export class SwarmZones {
  /** Peers that do not say it, or say it too late. */
  readonly #nowhere = new ZonePeers();
  readonly #zones = new Map<string, ZonePeers>();

  /** All of them; one, as long as nobody says where it is. */
  get all(): readonly ZonePeers[] {
    return this.#zones.size === 0 ? [this.#nowhere] : [...this.#zones.values(), this.#nowhere];
  }

  /** The zone of a place, if anybody of the swarm is there. */
  find(place: Place | undefined): ZonePeers | undefined {
    const name = nameOf(place);
    return name === undefined ? undefined : this.#zones.get(name);
  }

  /** Where to note a peer; {@link drop} must follow when it is noted there no more. */
  enter({ place, key }: PeerIdentity): ZonePeers {
    const name = nameOf(place);
    if (name === undefined) return this.#nowhere;
    const known = this.#zones.get(name);
    if (known) return known;
    if (this.#zones.size >= zonesMax || this.#hasFoundedMany(key)) return this.#nowhere;
    const zone = new ZonePeers({ name, region: place?.region, founder: key });
    this.#zones.set(name, zone);
    return zone;
  }

  /** Forgets a zone if nobody is in it any more. */
  drop(zone: ZonePeers): void {
    if (zone.size === 0 && zone.name !== undefined) this.#zones.delete(zone.name);
  }

  #hasFoundedMany(key: string): boolean {
    const [address, network] = [addressOfKey(key), networkOfKey(key)];
    let ofAddress = 0;
    let ofNetwork = 0;
    for (const { founder = "" } of this.#zones.values()) {
      if (addressOfKey(founder) === address) ofAddress++;
      if (network !== undefined && networkOfKey(founder) === network) ofNetwork++;
    }
    return ofAddress >= zonesPerAddressMax || ofNetwork >= zonesPerNetworkMax;
  }
}

/**
 * Whether a peer says that it is in the zone where it is noted. Who is noted nowhere for want of
 * room does not: there may be room now.
 */
export function isZoneOf({ name }: ZonePeers, { place }: PeerIdentity): boolean {
  return name === nameOf(place);
}

/** Zones of different regions may have one name. A region whose zones are not known is one. */
function nameOf(place: Place | undefined): string | undefined {
  if (place?.region === undefined && place?.zone === undefined) return undefined;
  return `${place.region ?? ""}/${place.zone ?? ""}`;
}
