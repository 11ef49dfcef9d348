/** One side of a comparison: measures once, from scratch. */
export type Contestant<T> = () => Promise<T>;

export interface AlternateOptions {
  readonly rounds: number;
  readonly signal: AbortSignal;
  /** Told before each turn. */
  readonly onTurn?: (side: string, round: number) => void;
}

/**
 * Lets each side have its turn in every round, the first of one round being the last
 * of the next but one: what changes on the machine meanwhile befalls all of them alike.
 */
export async function alternate<Side extends string, T>(
  contestants: Readonly<Record<Side, Contestant<T>>>,
  { rounds, signal, onTurn }: AlternateOptions,
): Promise<Record<Side, T[]>> {
  const sides = Object.keys(contestants) as Side[];
  const results = Object.fromEntries(sides.map((side) => [side, []])) as unknown as Record<
    Side,
    T[]
  >;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const side = sides[(round + turn) % sides.length];
      if (side === undefined) continue;
      signal.throwIfAborted();
      onTurn?.(side, round);
      results[side].push(await contestants[side]());
    }
  }
  return results;
}
