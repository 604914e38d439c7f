import type { ParameterValues } from './experiment.ts';

/** Every combination of the values of `names`, the last one turning fastest. */
export function combinations<T>(values: ParameterValues, names: readonly string[]): T[] {
  let points: Record<string, number | string>[] = [{}];
  for (const name of names) {
    points = points.flatMap((point) => values[name].map((value) => ({ ...point, [name]: value })));
  }
  return points as T[];
}
