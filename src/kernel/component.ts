/**
 * A part of the machine: born with its tasks, it resets and it counts. The counters of all components together are the
 * `counters` of a report, under `name.counter`.
 */
export interface Component {
  readonly name: string;
  /** Back to the state after power-on. Counters start again at zero. */
  reset(): void;
  /** Everything it counts, by name. */
  counters(): Readonly<Record<string, number>>;
}
