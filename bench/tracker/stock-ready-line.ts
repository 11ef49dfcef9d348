/** What the stock tracker prints when it listens. */
export const stockReadyLine = "listening";
