import type { Component } from '../kernel/index.ts';

/** Counters by their full names: component, dot, counter. */
export type Counters = Readonly<Record<string, number>>;

/** Files that counters can be written as. */
export const COUNTER_FORMATS = ['json', 'csv', 'prom'] as const;

/** One of {@link COUNTER_FORMATS}. */
export type CounterFormat = (typeof COUNTER_FORMATS)[number];

/** Schema of the JSON form. */
export const COUNTERS_SCHEMA = 'sriovsim-counters/1';

/**
 * The counters of components now, by name in ascending order.
 *
 * @example
 * const before = snapshotCounters(machine.components);
 * simulation.advance(simulation.endPs);
 * const { 'pcie.upstream.tlps': tlps } = counterDifference(snapshotCounters(machine.components), before);
 */
export function snapshotCounters(components: Iterable<Pick<Component, 'name' | 'counters'>>): Counters {
  const all: [string, number][] = [];
  for (const part of components) {
    for (const [name, value] of Object.entries(part.counters())) all.push([`${part.name}.${name}`, value]);
  }
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * What was counted from one snapshot to the next; negative where a level has fallen or a component was reset. A counter
 * that did not exist before counts from 0, and one that is gone is left out.
 */
export function counterDifference(after: Counters, before: Counters): Counters {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}

/** Counters as the text of a file: a JSON document, CSV (RFC 4180), or Prometheus' text format 0.0.4. */
export function formatCounters(counters: Counters, format: CounterFormat): string {
  const entries = Object.entries(counters);
  switch (format) {
    case 'json':
      return `${JSON.stringify({ schema: COUNTERS_SCHEMA, counters }, null, 2)}\n`;
    case 'csv':
      return ['name,value', ...entries.map(([name, value]) => `${csvField(name)},${value}`), ''].join('\r\n');
    case 'prom':
      return [
        '# HELP sriovsim_counter A counter or level of a component of the simulated machine.',
        // Some only grow and some are levels: the text format has a word for that.
        '# TYPE sriovsim_counter untyped',
        ...entries.map(([name, value]) => `sriovsim_counter{name="${labelValue(name)}"} ${value}`),
        '',
      ].join('\n');
  }
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function labelValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
