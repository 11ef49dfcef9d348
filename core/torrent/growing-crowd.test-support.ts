import { Bitfield } from "./bitfield.ts";
import { type Connection, advance, step } from "./crowd.test-support.ts";
import { type OfferedPeer, PieceOffers } from "./piece-offers.ts";
import { PiecePicker } from "./piece-picker.ts";

/** How often the engine looks at offers, and when a node starves, in milliseconds. */
const lookMs = 1000;
const starvingMs = 5000;

export interface GrowingCrowdOptions {
  readonly nodes: number;
  readonly pieces: number;
  /** Pieces that the seeder receives in the time that one takes on its link to the nodes. */
  readonly originRate: number;
  /** Milliseconds that a piece takes on a link. */
  readonly pieceMs: number;
  readonly random: () => number;
}

interface SimulatedNode extends OfferedPeer {
  readonly have: Bitfield;
  readonly told: Set<number>;
  readonly picker: PiecePicker;
  fedAtMs: number;
  isStarving: boolean;
}

/**
 * Nodes behind equal links that download a blob while its seeder receives it: what the picker
 * and the seeder's offers make of it.
 *
 * @returns Copies that the seeder sent, and when the last node was done, in the time that the
 *   whole blob takes to the seeder or over a link, whichever is longer; 1 is ideal for both.
 */
export function simulateGrowingCrowd(options: GrowingCrowdOptions): {
  readonly copies: number;
  readonly last: number;
} {
  const { nodes: count, pieces, originRate, pieceMs } = options;
  let time = 0;
  const offers = new PieceOffers({ pieceCount: pieces, now: () => time * pieceMs });
  const nodes = Array.from({ length: count }, () => nodeOf(options));
  const connections = connectionsOf(nodes, options.random);
  for (const node of nodes) offers.join(node);
  const others = (to: number) => nodes.filter((_, index) => index !== to);
  let [grown, sent] = [0, 0];
  while (nodes.some(({ have }) => !have.isFull) && time < pieces * 10) {
    while (grown < Math.min(pieces, Math.floor(time * originRate))) {
      offers.gained(grown++);
      for (const { picker, have } of nodes) picker.admit(grown, have);
    }
    if (Math.floor((time * pieceMs) / lookMs) > Math.floor(((time - step) * pieceMs) / lookMs)) {
      offers.tick();
    }
    for (const node of nodes) noteHunger(node, time * pieceMs);
    for (const connection of connections) {
      const node = nodes[connection.to];
      if (connection.piece !== undefined || !node) continue;
      const piece = node.picker.pick(connection);
      connection.piece = piece;
      connection.left = 1;
      if (piece === undefined || !connection.whole) continue;
      offers.asked(node, piece, { isLast: true });
      for (const { picker } of others(connection.to)) picker.addIntent(piece);
    }
    time += step;
    for (const connection of advance(connections, count)) {
      const { piece = 0, to, whole } = connection;
      connection.piece = undefined;
      nodes[to]?.have.add(piece);
      nodes[to]?.picker.done(piece);
      if (nodes[to] && !whole) nodes[to].isStarving = false;
      if (whole) sent++;
      for (const other of others(to)) {
        if (whole) other.picker.removeIntent(piece);
        other.picker.addHave(piece);
        other.fedAtMs = time * pieceMs;
      }
    }
  }
  return { copies: sent / pieces, last: time / (pieces * Math.max(1, 1 / originRate)) };
}

function nodeOf({ nodes, pieces, random }: GrowingCrowdOptions): SimulatedNode {
  const picker = new PiecePicker({ pieceCount: pieces, random, isGrowing: true });
  for (let peer = 1; peer < nodes; peer++) picker.addPartialPeer();
  const told = new Set<number>();
  const have = new Bitfield(pieces);
  const onHave = (index: number) => void told.add(index);
  return { have, told, picker, fedAtMs: 0, isStarving: false, onHave };
}

/** As the supply watch of a download does it. */
function noteHunger(node: SimulatedNode, nowMs: number): void {
  const { picker } = node;
  if (!picker.isWanting || picker.pending.size > 0) node.fedAtMs = nowMs;
  if (!picker.isWanting) node.isStarving = false;
  else if (nowMs - node.fedAtMs >= starvingMs) node.isStarving = true;
  picker.isStarving = node.isStarving;
}

/** Everyone from everyone and, as the last number, from the seeder; in random order. */
function connectionsOf(nodes: readonly SimulatedNode[], random: () => number): Connection[] {
  const connections = nodes.flatMap((node, to) =>
    [...nodes, undefined].map((giver, from) => {
      const whole = giver === undefined;
      const has = (index: number) => (giver ? giver.have : node.told).has(index);
      return { from, to, whole, has, piece: undefined, left: 0 };
    }),
  );
  return connections
    .filter(({ from, to }) => from !== to)
    .map((connection) => ({ connection, order: random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ connection }) => connection);
}
