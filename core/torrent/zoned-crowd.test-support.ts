import { Bitfield } from "./bitfield.ts";
import { type Connection, type Link, advanceOver, step } from "./crowd.test-support.ts";
import { PiecePicker } from "./piece-picker.ts";

export interface ZonedCrowdOptions {
  readonly zones: number;
  readonly nodesPerZone: number;
  readonly pieces: number;
  /** Rate of the way into each zone and out of it, where a node's link is 1. */
  readonly borderRate: number;
  /** Whether nodes know in which zone others are. */
  readonly isKnown: boolean;
  readonly readers: boolean;
  readonly random: () => number;
}

interface ZonedConnection extends Connection {
  readonly fromZone: number;
  readonly toZone: number;
  readonly isFar: boolean;
}

/**
 * Nodes in zones with thin ways between them that start at once, each connected with all and with
 * one seeder, which is in the first zone: what the picker alone makes of it.
 *
 * @returns Copies that came into each zone, and when the last node was done, in the time that a
 *   copy takes over a border.
 */
export function simulateZones(options: ZonedCrowdOptions): {
  readonly crossed: readonly number[];
  readonly last: number;
} {
  const { zones, nodesPerZone, pieces, borderRate, random } = options;
  const count = zones * nodesPerZone;
  const have = Array.from({ length: count }, () => new Bitfield(pieces));
  const connections = connectionsOf(options, have);
  const pickers = have.map(() => new PiecePicker({ pieceCount: pieces, random }));
  const isFar = (one: number, other: number) =>
    options.isKnown && Math.floor(one / nodesPerZone) !== Math.floor(other / nodesPerZone);
  /** Has each node hear of another one. */
  const each = (besides: number, tell: (picker: PiecePicker, node: { isFar: boolean }) => void) => {
    pickers.forEach((picker, node) => {
      if (node !== besides) tell(picker, { isFar: isFar(node, besides) });
    });
  };
  pickers.forEach((picker, node) => {
    each(node, (other, from) => other.addPartialPeer(from));
    if (options.readers) picker.addReader(1, 0);
  });
  for (const connection of connections) {
    if (!connection.whole) continue;
    const isNear = options.isKnown && !connection.isFar;
    pickers[connection.to]?.addWholePeer({ ...connection, isNear });
  }

  const linksOf = wayOf(count, zones, borderRate);
  const crossed = new Array<number>(zones).fill(0);
  let time = 0;
  while (have.some((bitfield) => !bitfield.isFull) && time < (pieces / borderRate) * 10) {
    for (const connection of connections) {
      if (connection.piece !== undefined) continue;
      const piece = pickers[connection.to]?.pick(connection);
      connection.piece = piece;
      connection.left = 1;
      if (piece === undefined || !(connection.whole || connection.isFar)) continue;
      each(connection.to, (picker, node) => picker.addIntent(piece, node));
    }
    time += step;
    for (const connection of advanceOver(connections, linksOf)) {
      const { piece = 0, to, fromZone, toZone } = connection;
      connection.piece = undefined;
      if (connection.whole || connection.isFar) {
        each(to, (picker, node) => picker.removeIntent(piece, node));
      }
      if (fromZone !== toZone) crossed[toZone] = (crossed[toZone] ?? 0) + 1 / pieces;
      have[to]?.add(piece);
      pickers[to]?.done(piece);
      each(to, (picker, node) => picker.addHave(piece, node));
    }
  }
  return { crossed, last: (time * borderRate) / pieces };
}

/** The links of nodes and of zones, in each direction, and which of them a connection uses. */
function wayOf(
  count: number,
  zones: number,
  borderRate: number,
): (connection: ZonedConnection) => readonly (Link | undefined)[] {
  const links = (length: number, rate: number) => Array.from({ length }, () => ({ rate }));
  const [up, down] = [links(count + 1, 1), links(count + 1, 1)];
  const [out, into] = [links(zones, borderRate), links(zones, borderRate)];
  return ({ from, to, fromZone, toZone }) => [
    ...[up[from], down[to]],
    ...(fromZone === toZone ? [] : [out[fromZone], into[toZone]]),
  ];
}

/** Everyone from everyone and, as the last number, from the seeder; in random order. */
function connectionsOf(
  { zones, nodesPerZone, isKnown, random }: ZonedCrowdOptions,
  have: readonly Bitfield[],
): ZonedConnection[] {
  const count = zones * nodesPerZone;
  const connections: ZonedConnection[] = [];
  for (let to = 0; to < count; to++) {
    for (let from = 0; from <= count; from++) {
      if (from === to) continue;
      const whole = from === count;
      const [fromZone, toZone] = [whole ? 0 : from, to].map((n) => Math.floor(n / nodesPerZone));
      const ends = { fromZone: fromZone ?? 0, toZone: toZone ?? 0 };
      const has = (index: number) => whole || (have[from]?.has(index) ?? false);
      const isFar = isKnown && fromZone !== toZone;
      connections.push({ from, to, ...ends, whole, has, isFar, piece: undefined, left: 0 });
    }
  }
  return connections
    .map((connection) => ({ connection, order: random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ connection }) => connection);
}
