import type { DownloadPeers } from "./download-peers.ts";
import { NodeIntents } from "./node-intents.ts";
import type { PieceClient } from "./piece-client.ts";
import type { PiecePicker } from "./piece-picker.ts";

export interface PeerPiecesDeps {
  readonly picker: PiecePicker;
  readonly peers: DownloadPeers;
}

/** What the nodes that download as we do have and will have soon, as the picker counts it. */
export class PeerPieces {
  readonly #deps: PeerPiecesDeps;
  readonly #intents: NodeIntents;

  constructor(deps: PeerPiecesDeps) {
    this.#deps = deps;
    this.#intents = new NodeIntents(deps.picker);
  }

  /** A peer has said its pieces. */
  opened(client: PieceClient): void {
    const { picker, peers } = this.#deps;
    if (client.whole) {
      picker.addWholePeer(client);
      return;
    }
    peers.addPartial(client);
    picker.addPartialPeer(client);
    const have = client.have;
    for (let index = 0; index < (have?.pieceCount ?? 0); index++) {
      if (have?.has(index)) picker.addHave(index, client);
    }
  }

  /** A peer has a piece more. */
  gained(client: PieceClient, index: number): void {
    this.intends(client, index, false);
    if (this.#deps.peers.isPartial(client)) this.#deps.picker.addHave(index, client);
  }

  intends(client: PieceClient, index: number, isComing: boolean): void {
    this.#intents.note(client, index, isComing);
  }

  /** A peer is gone. */
  left(client: PieceClient): void {
    const { picker, peers } = this.#deps;
    this.#intents.forget(client);
    picker.removeWholePeer(client);
    if (peers.left(client) && client.have) picker.removePartialPeer(client.have, client);
  }
}
