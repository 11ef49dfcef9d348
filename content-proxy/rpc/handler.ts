import type { Cancellable } from "../../core/ports/cancellable.ts";

/**
 * Answers one request with one response. What it throws is turned into a status by
 * the boundary; the signal is aborted when the caller does not want the answer any more.
 */
export type UnaryHandler<Request, Response> = (
  request: Request,
  options: Cancellable,
) => Promise<Response>;

/** Answers one request with any number of responses, made as fast as they are taken. */
export type ServerStreamHandler<Request, Response> = (
  request: Request,
  options: Cancellable,
) => AsyncIterable<Response>;

/**
 * Takes requests one by one and answers as it likes. Ends with an OK status when it
 * returns, also when the caller has more to say.
 */
export type BidiHandler<Request, Response> = (
  requests: AsyncIterable<Request>,
  options: Cancellable,
) => AsyncIterable<Response>;
