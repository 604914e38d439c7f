/** Checks of arguments that a caller of the library passes: each throws an error that names the argument. */

/**
 * Returns `value` if it is an integer in `[min, max]`.
 *
 * @throws TypeError if it is no number, RangeError if it is fractional or out of range.
 */
export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${show(value)}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

/**
 * Returns `value` if it is a finite number in `[min, max]`.
 *
 * @throws TypeError if it is no number, RangeError if it is out of range.
 */
export function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${show(value)}`);
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} must be from ${min} to ${max}, got ${value}`);
  }
  return value;
}

/**
 * Returns `value` if it is a power of two in `[min, max]`.
 *
 * @throws TypeError if it is no number, RangeError otherwise.
 */
export function checkPowerOfTwo(name: string, value: unknown, min: number, max: number): number {
  const n = checkInteger(name, value, min, max);
  if ((n & (n - 1)) !== 0) throw new RangeError(`${name} must be a power of two, got ${n}`);
  return n;
}

/**
 * Returns `value` if it is one of `allowed`.
 *
 * @throws RangeError otherwise.
 */
export function checkOneOf<T extends string | number>(
  name: string,
  value: unknown,
  allowed: readonly T[],
): T {
  if (!allowed.includes(value as T)) {
    throw new RangeError(`${name} must be one of ${allowed.join(', ')}, got ${show(value)}`);
  }
  return value as T;
}

/**
 * Returns `value` if it is true or false.
 *
 * @throws TypeError otherwise.
 */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, got ${show(value)}`);
  return value;
}

/**
 * Returns `value` if it is an object that has no other keys than those of `T`; what they hold is for others to check.
 *
 * @param keys every key of `T`: one that is forgotten does not compile.
 * @throws TypeError that names what is allowed.
 */
export function checkKeys<T extends object>(
  name: string,
  value: unknown,
  keys: Readonly<Record<keyof T, true>>,
): T {
  const allowed = Object.keys(keys).join(', ');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object with ${allowed}, got ${show(value)}`);
  }
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(keys, key)) {
      throw new TypeError(`${name} has no "${key}": allowed are ${allowed}`);
    }
  }
  return value as T;
}

/**
 * Returns the numbers in `value`, a list or any other iterable of integers in `[min, max]`.
 *
 * @throws TypeError or RangeError otherwise.
 */
export function checkIntegers(name: string, value: unknown, min: number, max: number): number[] {
  const isIterable = typeof value === 'object' && value !== null && Symbol.iterator in value;
  if (!isIterable) {
    throw new TypeError(`${name} must be a list of integers from ${min} to ${max}, got ${show(value)}`);
  }
  return Array.from(value as Iterable<unknown>, (each, i) => checkInteger(`${name}[${i}]`, each, min, max));
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
