import { InvalidArgumentError } from "../../core/errors.ts";

/** An int64 as protobufjs gives it: a number, or an object when it came from the wire. */
export type Int64 = number | { toNumber(): number };

/** @throws {InvalidArgumentError} when it is further from 0 than a number can count. */
export function numberFrom(value: Int64): number {
  const number = typeof value === "number" ? value : value.toNumber();
  if (Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError(`Cannot use the number ${number}: it is too large`);
}
