import * as z from 'zod/mini';

// The few kinds of fields that a scenario has.

/** What zod makes of a type. */
export type Schema<T> = z.ZodMiniType<T, T>;

export function saying(allowed: string): { error: () => string } {
  return { error: () => allowed };
}

export function object<T extends z.core.$ZodShape>(shape: T) {
  return z.strictObject(shape, saying(Object.keys(shape).join(', ')));
}

export function list<T extends z.core.SomeType>(element: T, about: string) {
  return z.array(element, saying('a list')).check(z.describe(about));
}

export function union<const T extends readonly z.core.SomeType[]>(options: T, allowed: string) {
  return z.union(options, saying(allowed));
}

export function optional<T extends z.core.SomeType>(schema: T, fallback?: unknown) {
  const result = z.optional(schema);
  return fallback === undefined ? result : result.check(z.meta({ default: fallback }));
}

export function integer([min, max]: readonly [number, number], about: string) {
  const allowed = `${min} to ${max}`;
  return z
    .int(saying(`whole numbers from ${allowed}`))
    .check(z.minimum(min, saying(allowed)), z.maximum(max, saying(allowed)), z.describe(about));
}

export function number([min, max]: readonly [number, number], about: string) {
  const allowed = saying(`${min} to ${max}`);
  return z.number(allowed).check(z.minimum(min, allowed), z.maximum(max, allowed), z.describe(about));
}

export function flag(about: string) {
  return z.boolean(saying('true or false')).check(z.describe(about));
}

export function text(about: string) {
  return z
    .string(saying('text'))
    .check(z.maxLength(4096, saying('up to 4096 characters')), z.describe(about));
}

export function endpoint(allowed: string, about: string) {
  return z.string(saying(allowed)).check(z.minLength(1, saying(allowed)), z.describe(about));
}

export function oneOfNumbers(values: readonly number[], about: string) {
  return z.literal<number[]>([...values], saying(values.join(', '))).check(z.describe(about));
}

export function oneOf<const T extends readonly string[]>(values: T, about: string) {
  return z.enum(values, saying(values.join(', '))).check(z.describe(about));
}
