import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { pipeline } from "node:stream/promises";

import type WebTorrent from "webtorrent";
import type { Torrent, Wire } from "webtorrent";

import { abortable } from "../async/deadline.ts";
import type { HostLimits } from "../limits/host-limits.ts";
import { metered } from "../limits/metered.ts";
import type { InfoHash } from "../info-hash.ts";
import { type Metainfo, encodeMetainfo } from "../metainfo.ts";
import { type PeerAddress, formatPeerAddress } from "../peer-address.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { BlobChunkStore } from "./blob-chunk-store.ts";
import { guardWire } from "./guard-wire.ts";
import { GuestWatch } from "./guest-watch.ts";
import type { IncomingPeer } from "./peer-listener.ts";
import type { ServedTorrent } from "./served-torrent.ts";

/** Connections of stock clients at once. They are guests: a debugging laptop, a test. */
const guestsMax = 50;

/** What we are not part of: other ways to find peers, other transports, port mapping. */
const clientOptions = {
  dht: false,
  lsd: false,
  utp: false,
  utPex: false,
  natUpnp: false,
  natPmp: false,
  tracker: false,
  webSeeds: false,
};

export interface StockPeersDeps {
  readonly now: () => number;
  /** The metainfo of a blob that we have whole; `undefined` when it is not kept. */
  readonly limits: Pick<HostLimits, "passage">;
  readonly metainfoOf: (infoHash: InfoHash) => Promise<Metainfo | undefined>;
}

/** A torrent as webtorrent is to hold it. */
interface Offer {
  readonly metainfo: Metainfo;
  readonly store: BlobChunkStore;
  readonly skipVerify: boolean;
}

/** A torrent that webtorrent has for us, while somebody uses it. */
interface Guested {
  readonly infoHash: InfoHash;
  readonly torrent: Torrent;
  readonly ready: Promise<void>;
  users: number;
}

/** A stock client that is served. */
interface Guest {
  /** Our end of what is handed on to webtorrent. */
  readonly inner: Socket;
  readonly watch: GuestWatch;
}

/**
 * Peers that speak BitTorrent but are no Shoal nodes: webtorrent talks to them for us.
 * It is started for the first of them and stopped after the last, and its connections
 * come through our port: their bytes are handed on over loopback.
 */
export class StockPeers implements AsyncDisposable {
  readonly #deps: StockPeersDeps;
  readonly #guested = new Map<InfoHash, Guested>();
  readonly #sockets = new Set<Socket>();
  readonly #guests = new Set<Guest>();
  #client: Promise<WebTorrent> | undefined;
  #users = 0;
  #isDisposed = false;

  constructor(deps: StockPeersDeps) {
    this.#deps = deps;
  }

  /**
   * Serves a peer until it hangs up, or takes nothing for too long. One that encrypts does not say in the open which
   * torrent it wants: then all that it may mean are offered.
   *
   * @param torrents Blobs that we have whole.
   */
  async serve(
    { socket, received }: Omit<IncomingPeer, "handshake">,
    torrents: readonly ServedTorrent[],
  ): Promise<void> {
    if (torrents.length === 0 || this.#sockets.size >= guestsMax || this.#isDisposed) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const closed = new AbortController();
    socket.once("close", () => closed.abort());
    const hangUp = () => void socket.destroy();
    socket.on("error", hangUp).pause();
    const listener = { isGuest: true, onHave: ignore, onIntent: ignore, close: hangUp };
    for (const torrent of torrents) torrent.listen(listener);
    try {
      const offers = await Promise.all(torrents.map((torrent) => this.#offerOf(torrent)));
      await this.#use(offers.flat(), closed, async (client) => {
        const inner = dialInner(socket, client.torrentPort);
        const guest = { inner, watch: new GuestWatch(this.#deps.now()) };
        this.#guests.add(guest);
        inner.write(received);
        socket.pipe(inner);
        // Those that encrypt may mean any of them: to be fair they are one flow.
        const flow = torrents.length === 1 ? (torrents[0]?.infoHash ?? "") : "";
        const passage = this.#deps.limits.passage(["upload"], { flow });
        const giving = metered(inner, { passage, signal: closed.signal });
        pipeline(giving, socket).catch(ignore);
        await aborted(closed.signal);
        if (torrents.length === 1 && torrents[0]) torrents[0].uploadedBytes += inner.bytesRead;
        inner.destroy();
        this.#guests.delete(guest);
      });
    } finally {
      hangUp();
      for (const torrent of torrents) torrent.unlisten(listener);
      this.#sockets.delete(socket);
    }
  }

  /**
   * Gets pieces of a blob from peers that are no nodes until `signal` is aborted: from those that `ask`
   * is called with. What comes is given to `take`, which checks it. Ends at once while others have the blob here.
   */
  async fetch(
    download: {
      readonly metainfo: Metainfo;
      readonly onReady: (ask: (peer: PeerAddress) => void) => void;
      readonly read: (buffer: Uint8Array, position: number) => Promise<void>;
      readonly take: (index: number, bytes: Uint8Array) => Promise<void>;
    },
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    const { metainfo, read } = download;
    if (this.#isDisposed || this.#guested.has(metainfo.infoHash)) return;
    // The connections are webtorrent's: what came through them others wait for.
    const take = async (index: number, bytes: Uint8Array) => {
      await download.take(index, bytes);
      const passage = this.#deps.limits.passage(["download"], { flow: metainfo.infoHash });
      await passage.passed(bytes.byteLength, { signal });
    };
    const store = new BlobChunkStore({ layout: metainfo.layout, read, take });
    const offers = [{ metainfo, store, skipVerify: false }];
    await this.#use(offers, { signal }, async (_, torrents) => {
      download.onReady((peer) => {
        if (!signal.aborted) torrents[0]?.addPeer(formatPeerAddress(peer));
      });
      await aborted(signal);
    });
  }

  /** Looks for lapsed bounds. */
  tick(): void {
    const nowMs = this.#deps.now();
    for (const { inner, watch } of this.#guests) {
      if (watch.hasLapsed(nowMs, inner.bytesRead)) inner.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    for (const socket of this.#sockets) socket.destroy();
    await this.#stopClient();
  }

  /** What webtorrent needs to give a blob; nothing when its metainfo is not kept. */
  async #offerOf(torrent: ServedTorrent): Promise<Offer[]> {
    const metainfo = await this.#deps.metainfoOf(torrent.infoHash);
    if (!metainfo) return [];
    const store = new BlobChunkStore({
      layout: metainfo.layout,
      read: (buffer, position) => torrent.read(buffer, position),
      take: async () => undefined,
    });
    return [{ metainfo, store, skipVerify: true }];
  }

  /** Has webtorrent hold torrents while `work` goes on, unless `signal` is aborted before. */
  async #use(
    offers: readonly Offer[],
    { signal }: Cancellable,
    work: (client: WebTorrent, torrents: readonly Torrent[]) => Promise<void>,
  ): Promise<void> {
    if (signal.aborted) return;
    this.#users++;
    const used: Guested[] = [];
    try {
      this.#client ??= startClient();
      const client = await this.#client;
      for (const offer of offers) used.push(this.#hold(client, offer));
      await abortable(Promise.all(used.map(({ ready }) => ready)), signal).catch(
        (error: unknown) => {
          if (!signal.aborted) throw error;
        },
      );
      if (isAborted(signal)) return;
      await work(
        client,
        used.map(({ torrent }) => torrent),
      );
    } finally {
      for (const guested of used) this.#release(guested);
      if (--this.#users === 0) await this.#stopClient();
    }
  }

  #hold(client: WebTorrent, { metainfo, store, skipVerify }: Offer): Guested {
    const { infoHash } = metainfo;
    let guested = this.#guested.get(infoHash);
    if (!guested) {
      const options = { preloadedStore: store, storeCacheSlots: 0, skipVerify };
      const torrent = client.add(encodeMetainfo(metainfo), options);
      torrent.on("error", ignore);
      const { layout } = metainfo;
      torrent.on("wire", (wire: Wire, address: string) => {
        // Others have ports of their own machines.
        const [port] = address.includes("127.0.0.1:") ? address.split(":").slice(-1) : [];
        const guest = [...this.#guests].find(({ inner }) => inner.localPort === Number(port));
        guest?.watch.greeted();
        const bytesTaken = () => guest?.inner.bytesRead ?? wire.uploaded;
        guardWire(wire, { layout, bytesTaken });
      });
      const ready = once(torrent, "ready").then(ignore);
      ready.catch(ignore);
      guested = { infoHash, torrent, ready, users: 0 };
      this.#guested.set(infoHash, guested);
    }
    guested.users++;
    return guested;
  }

  #release(guested: Guested): void {
    if (--guested.users > 0) return;
    this.#guested.delete(guested.infoHash);
    guested.torrent.destroy({ destroyStore: false });
  }

  async #stopClient(): Promise<void> {
    const starting = this.#client;
    this.#client = undefined;
    const client = await starting?.catch(() => undefined);
    if (client) await new Promise<void>((resolve) => client.destroy(resolve));
  }
}

/** Loaded when needed: it takes half a second and 20 MiB. */
async function startClient(): Promise<WebTorrent> {
  const { default: Client } = await import("webtorrent");
  const client = new Client(clientOptions);
  client.on("error", () => undefined);
  try {
    if (!client.listening) await once(client, "listening");
  } catch (error) {
    client.destroy(ignore);
    throw error;
  }
  return client;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Opens the connection to webtorrent that belongs to a peer's: one ends with the other. */
function dialInner(socket: Socket, port: number): Socket {
  const inner = connect({ host: "127.0.0.1", port, noDelay: true });
  inner.on("error", () => socket.destroy()).on("close", () => socket.destroy());
  return inner;
}

function ignore(): void {
  // Nothing to do.
}
