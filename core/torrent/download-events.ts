import type { ByteRange } from "../byte-range.ts";
import type { BytesReceived } from "../ports/swarm.ts";

/** What a download tells the engine. */
export interface DownloadEvents {
  onPiece(index: number, received: BytesReceived): void;
  /** A piece is, or is not any more, on its way from a source that has the whole blob. */
  onIntent(index: number, isComing: boolean): void;
  /** So many bytes came so far from anybody but the origin, of pieces that are whole or not. */
  onBytes(bytes: number): void;
  /** How many sources that have the whole blob are connected now. */
  onGoodSources(count: number): void;
  /** Bytes are wanted of the origin; they come by `onOriginAnswer()` of the download. */
  onOriginWanted(request: number, range: ByteRange): void;
  /** No peer is left to dial. */
  onHurry(): void;
  /** Something that is as it should be, for who looks closely. */
  onDetail(message: string, fields: Readonly<Record<string, unknown>>): void;
  onWarning(message: string, fields: Readonly<Record<string, unknown>>): void;
  /** Something threw that no peer can be blamed for: a bug. The download goes on. */
  onFault(error: unknown): void;
}
