/** The parts of bittorrent-tracker 11 that are used here; the package has no types. */
declare module "bittorrent-tracker/server" {
  import type { RemoteInfo, Socket } from "node:dgram";
  import { EventEmitter } from "node:events";
  import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";

  /** An announce, parsed but for what clients may leave out or make up. */
  export interface AnnounceParams {
    readonly type: "http" | "udp";
    /** In hex, as `peer_id`. */
    readonly info_hash: string;
    readonly peer_id: string;
    /** Address of the socket that it came from. */
    readonly ip: string;
    readonly port: number;
    /** NaN and Infinity are possible. */
    readonly left: number;
    readonly numwant: number;
    readonly event?: unknown;
    /** 1: `peers` are encoded by the server, 0: they are rendered as dictionaries, else: left as they are. */
    compact: number;
    readonly httpReq?: IncomingMessage;
  }

  export interface AnnounceResponse {
    readonly complete: number;
    readonly incomplete: number;
    readonly peers: unknown;
    readonly peers6?: Uint8Array;
    /** Seconds. */
    readonly interval?: number;
    readonly "min interval"?: number;
    /** Ours alone; what the package does not know goes into answers by HTTP as it is. */
    readonly admission?: number;
  }

  export interface ScrapeResponse {
    readonly complete: number;
    readonly incomplete: number;
  }

  type Callback<T> = (error: Error | null, value?: T) => void;

  export interface ServerSwarm {
    announce(params: AnnounceParams, callback: Callback<AnnounceResponse>): void;
    scrape(params: unknown, callback: Callback<ScrapeResponse>): void;
  }

  export interface ServerOptions {
    readonly interval?: number;
    readonly http?: boolean;
    readonly udp?: boolean;
    readonly ws?: boolean;
    readonly stats?: boolean;
  }

  export default class Server extends EventEmitter {
    constructor(options: ServerOptions);
    readonly http: HttpServer | null;
    udp4: Socket | null;
    udp6: Socket | null;
    destroyed: boolean;
    getSwarm(infoHash: string, callback: Callback<ServerSwarm>): void;
    onHttpRequest(request: IncomingMessage, response: ServerResponse): void;
    onUdpRequest(message: Buffer, remote: RemoteInfo): void;
    listen(
      port: number,
      hosts: { readonly http: string; readonly udp: string; readonly udp6: string },
      onListening: () => void,
    ): void;
    close(onClosed: () => void): void;
  }
}

declare module "bittorrent-tracker/client" {
  import { EventEmitter } from "node:events";

  export interface ClientOptions {
    readonly infoHash: string;
    readonly peerId: Uint8Array;
    readonly announce: readonly string[];
    readonly port: number;
    readonly wrtc?: false;
  }

  export default class Client extends EventEmitter {
    constructor(options: ClientOptions);
    start(options?: { readonly left?: number }): void;
    complete(options?: { readonly left?: number }): void;
    update(options?: { readonly left?: number }): void;
    stop(options?: { readonly left?: number }): void;
    scrape(): void;
    destroy(callback?: () => void): void;
  }
}
