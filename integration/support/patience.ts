/** How long a content proxy waits for others before it leaves a pull to the registry. */
export interface Patience {
  readonly pull: object;
  readonly mirror: object;
}

/**
 * Enough for services that are up on a machine so busy that they do nothing for seconds. With it
 * the registry is asked for what cannot be had elsewhere, and for nothing that is only late.
 */
export const patience: Patience = {
  pull: { lookupTimeoutMs: 15_000, stallTimeoutMs: 20_000 },
  mirror: { answerTimeoutMs: 15_000 },
};

/** The same until somebody has begun to give; then as users have it: for tests in which givers are lost. */
export const patienceWithAnswers: Patience = {
  pull: { lookupTimeoutMs: 15_000 },
  mirror: { answerTimeoutMs: 15_000 },
};
