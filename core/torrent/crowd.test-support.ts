import { Bitfield } from "./bitfield.ts";
import { PiecePicker, type PickingPeer } from "./piece-picker.ts";

/** A step of time, in the time that a piece takes on a link that it has for itself. */
export const step = 1 / 8;

/** A way from one node, or the seeder, to another. */
export interface Connection extends PickingPeer {
  readonly from: number;
  readonly to: number;
  piece: number | undefined;
  left: number;
}

/**
 * Nodes behind equal links that start at once, each connected with all and with one
 * seeder, links shared evenly: what the picker alone makes of it.
 *
 * @returns Copies that the seeder sent, and when the last node was done; 1 is ideal.
 */
export function simulateCrowd(options: {
  readonly nodes: number;
  readonly pieces: number;
  readonly readers: boolean;
  readonly random: () => number;
}): { readonly copies: number; readonly last: number } {
  const { nodes, pieces, random } = options;
  const have = Array.from({ length: nodes }, () => new Bitfield(pieces));
  const pickers = have.map(() => pickerFor(options));
  const connections = connectionsOf(nodes, have, random);
  let sent = 0;
  let time = 0;
  const each = (besides: number, tell: (picker: PiecePicker) => void) => {
    pickers.forEach((picker, node) => node !== besides && tell(picker));
  };
  while (have.some((bitfield) => !bitfield.isFull) && time < pieces * 4) {
    for (const connection of connections) {
      if (connection.piece !== undefined) continue;
      const piece = pickers[connection.to]?.pick(connection);
      connection.piece = piece;
      connection.left = 1;
      if (piece !== undefined && connection.whole) {
        each(connection.to, (picker) => picker.addIntent(piece));
      }
    }
    time += step;
    for (const connection of advance(connections, nodes)) {
      const { piece = 0, to } = connection;
      connection.piece = undefined;
      if (connection.whole) {
        sent++;
        each(to, (picker) => picker.removeIntent(piece));
      }
      have[to]?.add(piece);
      pickers[to]?.done(piece);
      each(to, (picker) => picker.addHave(piece));
    }
  }
  return { copies: sent / pieces, last: time / pieces };
}

function pickerFor(options: Parameters<typeof simulateCrowd>[0]): PiecePicker {
  const picker = new PiecePicker({ pieceCount: options.pieces, random: options.random });
  for (let peer = 1; peer < options.nodes; peer++) picker.addPartialPeer();
  if (options.readers) picker.addReader(1, 0);
  return picker;
}

/** Everyone from everyone and, as number `nodes`, from the seeder; in random order. */
function connectionsOf(
  nodes: number,
  have: readonly Bitfield[],
  random: () => number,
): Connection[] {
  const connections: Connection[] = [];
  for (let to = 0; to < nodes; to++) {
    for (let from = 0; from <= nodes; from++) {
      if (from === to) continue;
      const whole = from === nodes;
      const has = (index: number) => whole || (have[from]?.has(index) ?? false);
      connections.push({ from, to, whole, has, piece: undefined, left: 0 });
    }
  }
  return connections
    .map((connection) => ({ connection, order: random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ connection }) => connection);
}

/** Moves bytes for one step. Gives the connections whose piece is complete by it. */
export function advance(connections: readonly Connection[], nodes: number): Connection[] {
  const ends = (count: number) => Array.from({ length: count }, () => ({ rate: 1 }));
  const [up, down] = [ends(nodes + 1), ends(nodes + 1)];
  return advanceOver(connections, ({ from, to }) => [up[from], down[to]]);
}

/** What bytes go over: pieces in the unit of time, shared by all who use it. */
export interface Link {
  readonly rate: number;
}

/** As {@link advance}, over the links that are given for each connection. */
export function advanceOver<C extends Connection>(
  connections: readonly C[],
  linksOf: (connection: C) => readonly (Link | undefined)[],
): C[] {
  const active = connections.filter(({ piece }) => piece !== undefined);
  const ways = active.map((connection) => linksOf(connection).filter((link) => link !== undefined));
  const rates = active.map(() => 0);
  // A few rounds of sharing what is left of each link come close to what TCP does.
  for (let round = 0; round < 5; round++) {
    const uses = new Map<Link, { left: number; users: number }>();
    ways.forEach((links, index) => {
      for (const link of links) {
        const use = uses.get(link) ?? { left: link.rate, users: 0 };
        uses.set(link, { left: use.left - (rates[index] ?? 0), users: use.users + 1 });
      }
    });
    ways.forEach((links, index) => {
      const parts = links
        .map((link) => uses.get(link))
        .map((use) => (use ? use.left / use.users : 0));
      rates[index] = (rates[index] ?? 0) + Math.max(0, Math.min(...parts));
    });
  }
  active.forEach((connection, index) => (connection.left -= (rates[index] ?? 0) * step));
  return active.filter(({ left }) => left <= 0);
}
