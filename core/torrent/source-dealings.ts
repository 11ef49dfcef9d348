import type { Agent } from "node:http";

import { MetainfoError } from "../errors.ts";
import type { HostLimits } from "../limits/host-limits.ts";
import type { Passage } from "../limits/passage.ts";
import type { ArrivingBlob } from "./arriving-blob.ts";
import { metainfoOf } from "./arriving-torrent.ts";
import type { Assignment, PieceSource, Refusal } from "./assignment.ts";
import type { DownloadEvents } from "./download-events.ts";
import type { PieceBuffers } from "./download-shares.ts";
import { DownloadPeers, type DownloadPeersDeps } from "./download-peers.ts";
import { DownloadSources } from "./download-sources.ts";
import { GoodSources } from "./good-sources.ts";
import { PeerPieces } from "./peer-pieces.ts";
import type { PieceChoice } from "./piece-choice.ts";
import { PieceClient, type PieceClientOwner } from "./piece-client.ts";
import { PieceExchange } from "./piece-exchange.ts";
import type { PieceGivers } from "./piece-givers.ts";
import type { PieceHashes } from "./piece-hashes.ts";
import type { PiecePicker } from "./piece-picker.ts";
import { SourceConduct } from "./source-conduct.ts";
import { StockFetch } from "./stock-fetch.ts";
import type { StockPeers } from "./stock-peers.ts";
import type { SupplyWatch } from "./supply-watch.ts";

/** What one download has of the engine to deal with sources. */
export interface SourceMeans extends Omit<DownloadPeersDeps, "owner" | "openPassage" | "isAhead"> {
  readonly webSeeds: readonly string[];
  readonly hasOrigin: boolean;
  readonly limits: Pick<HostLimits, "passage">;
  readonly buffers: PieceBuffers;
  readonly stockPeers: Pick<StockPeers, "fetch">;
  /** Connections to web seeds. */
  readonly webAgent: Agent;
  readonly events: DownloadEvents;
}

export interface SourceDealingsDeps {
  readonly means: SourceMeans;
  readonly hashes: PieceHashes;
  readonly blob: ArrivingBlob;
  readonly picker: PiecePicker;
  readonly choice: Pick<PieceChoice, "next" | "isUrgentFor">;
  readonly givers: PieceGivers;
  readonly supply: Pick<SupplyWatch, "heard" | "pieceCame">;
  /** Pieces may be asked for. */
  readonly isAsking: () => boolean;
  /** Nobody waits for the blob. */
  readonly isAhead: () => boolean;
  /** A piece is in the file. */
  readonly onWritten: () => void;
  /** The download cannot go on. */
  readonly onFailed: (error: Error) => void;
}

/**
 * The dealings of one download with those it has pieces from: gives them pieces to get, takes what
 * they give, listens to what they say, and holds each to what it did. A piece's bytes come from one
 * source, so a wrong piece has one culprit.
 */
export class SourceDealings implements PieceClientOwner, AsyncDisposable {
  /** The nodes among {@link sources}. */
  readonly peers: DownloadPeers;
  readonly sources: DownloadSources;
  readonly #deps: SourceDealingsDeps;
  readonly #exchange: PieceExchange;
  readonly #peerPieces: PeerPieces;
  readonly #good: GoodSources;
  readonly #conduct: SourceConduct;
  readonly #stockFetch: StockFetch;

  constructor(deps: SourceDealingsDeps) {
    this.#deps = deps;
    const { means, hashes, blob, picker, isAhead } = deps;
    const { torrent, events, now, webSeeds: urls, webAgent: agent, stockPeers } = means;
    const { layout, digest } = torrent;
    const openPassage = () => this.#openPassage();
    this.peers = new DownloadPeers({ ...means, openPassage, isAhead, owner: this });
    this.sources = new DownloadSources({
      ...{ peers: this.peers, urls, layout, owner: this, agent, now, openPassage },
      askOrigin: means.hasOrigin
        ? (request, range) => events.onOriginWanted(request, range)
        : undefined,
    });
    this.#exchange = this.#exchangeFor(deps);
    this.#peerPieces = new PeerPieces({ picker, peers: this.peers });
    this.#conduct = new SourceConduct(digest, events);
    this.#stockFetch = new StockFetch({
      ...{ metainfo: metainfoOf(torrent), stockPeers },
      read: (buffer, position) => blob.read(buffer, position),
      take: (index, bytes) => this.#exchange.takeForeign(index, bytes),
      onWarning: (message, fields) => events.onWarning(message, fields),
    });
    this.#good = new GoodSources({
      ...{ torrent, sources: this.sources, peers: this.peers, hashes },
      tell: (count) => events.onGoodSources(count),
    });
  }

  /** What came of the pieces that sources were asked for. */
  get exchange(): Pick<PieceExchange, "intents" | "received"> {
    return this.#exchange;
  }

  /** Asks web seeds whether they have the blob. */
  probe(): void {
    this.sources.probe(() => this.#good.update());
  }

  /** Dials peers, `countMax` of them at most. */
  dial(countMax?: number): void {
    const { means, isAsking } = this.#deps;
    if (!isAsking()) return;
    this.peers.dial(countMax);
    if (this.peers.clients.size === 0 && !this.peers.isWaiting) means.events.onHurry();
  }

  /** More pieces may be asked for: their hashes came. */
  onHashes(): void {
    this.#good.update();
    this.sources.fill();
  }

  /** Nobody else gives: stock clients are asked from now on, if any were met. */
  askStockClients(): void {
    this.#stockFetch.start();
  }

  onOpen(client: PieceClient): void {
    this.#peerPieces.opened(client);
    this.#good.update();
  }

  onHave(client: PieceClient, index: number): void {
    const { picker, choice, supply, means } = this.#deps;
    this.#peerPieces.gained(client, index);
    if (!client.whole && !client.isFar) supply.heard(means.now());
    if (client.hasAll) this.#good.update();
    // One that is on its way already is looked at by the next tick, not by each of a crowd's words.
    const isNews = picker.isUntouched(index) || choice.isUrgentFor(client, index);
    if (isNews && !picker.isLeftToNear(index, client)) client.fill();
  }

  onBegun(client: PieceClient, index: number): void {
    this.#exchange.begun(client, index);
  }

  onIntent(client: PieceClient, index: number, isComing: boolean): void {
    this.#peerPieces.intends(client, index, isComing);
  }

  assign(source: PieceSource): Assignment | undefined {
    return this.#deps.isAsking() ? this.#exchange.assign(source) : undefined;
  }

  onPiece(source: PieceSource, assignment: Assignment): void {
    this.#exchange.take(source, assignment);
  }

  onGaveUp(source: PieceSource, assignment: Assignment, refusal: Refusal): void {
    this.#exchange.giveUp(source, assignment);
    this.#conduct.refused(source, refusal);
    this.sources.fill();
  }

  onClosed(source: PieceSource, unfinished: readonly Assignment[], reason: string): void {
    for (const assignment of unfinished) this.#exchange.giveUp(source, assignment);
    if (!(source instanceof PieceClient)) return;
    this.#peerPieces.left(source);
    if (source.verdict === "foreign") this.#stockFetch.add(source.address);
    if (source.verdict === "hostile") this.#conduct.brokeProtocol(source, reason);
    this.#good.update();
    if (unfinished.length > 0) this.sources.fill();
  }

  onFault(_source: PieceSource, error: unknown): void {
    this.#deps.means.events.onFault(error);
  }

  /** Ends all that is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.sources.close("the download has ended");
    await this.#stockFetch[Symbol.asyncDispose]();
  }

  #exchangeFor(deps: SourceDealingsDeps): PieceExchange {
    const { means, hashes, blob, picker, choice, givers, supply } = deps;
    const { torrent, buffers, events, now } = means;
    return new PieceExchange({
      ...{ layout: torrent.layout, hashes, blob, picker, choice, givers, buffers, events },
      onWrongPiece: (source, index) => this.#blame(source, index),
      onRightPiece: (from) => {
        if (from instanceof PieceClient) this.peers.gaveRight(from);
        supply.pieceCame(from, now());
      },
      onWritten: () => deps.onWritten(),
      onWriteFailed: (error) => deps.onFailed(error),
    });
  }

  #openPassage(): Passage {
    const { means, isAhead } = this.#deps;
    return means.limits.passage(["download"], { flow: means.torrent.infoHash, isAhead });
  }

  /** Bytes of the origin are right by definition, unless it is broken: both are checked again. */
  #blame(source: PieceSource, index: number): void {
    if (source.kind === "origin") {
      this.#deps.onFailed(
        new MetainfoError("Cannot use metainfo: it does not fit what the origin has"),
      );
      return;
    }
    const banned = this.sources.blame(source);
    this.#conduct.gaveWrongPiece(source, index, { banned });
    if (source instanceof PieceClient || banned) source.close("it gave a wrong piece");
  }
}
