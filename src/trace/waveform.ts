import { VCD_UNKNOWN, type VcdVariable, VcdWriter } from './vcd-writer.ts';

/** A signal of a {@link Waveform}. */
export interface WaveformSignal extends VcdVariable {
  /** What it says, for people. */
  readonly about: string;
  /** Values, and when they began, in ps: in order of time. Of an event when it happened. */
  readonly timesPs: number[];
  readonly values: number[];
}

/**
 * Signals over time, to be written as a value change dump. Each is told of its changes in the order of time, whatever
 * the others do meanwhile.
 *
 * @example
 * const waveform = new Waveform();
 * const busy = waveform.signal('link.busy', 1, 'symbols leave');
 * waveform.set(busy, 0, 0);
 * waveform.set(busy, 4000, 1);
 * waveform.write((piece) => file.push(piece), { version: 'mine', fromPs: 0, toPs: 10_000 });
 */
export class Waveform {
  /** In the order in which they are written: that of being added, until somebody sorts them. */
  readonly signals: WaveformSignal[] = [];

  /** Adds a signal, of which nothing is known until it is set. */
  signal(path: string, width: number, about: string, type: VcdVariable['type'] = 'wire'): WaveformSignal {
    const signal = { path, width, type, about, timesPs: [], values: [] };
    this.signals.push(signal);
    return signal;
  }

  /**
   * From `timePs` on a signal has this value: an unsigned integer, `VCD_UNKNOWN` or `VCD_HIGH_IMPEDANCE`.
   *
   * @throws RangeError for a time before that of its last change.
   */
  set({ timesPs, values, type }: WaveformSignal, timePs: number, value: number): void {
    const last = timesPs.length - 1;
    if (timePs < timesPs[last]) throw new RangeError(`timePs: ${timePs} lies before ${timesPs[last]}`);
    // What is over at the instant at which it begins is not seen, nor is what stays.
    if (timesPs[last] === timePs) {
      values[last] = value;
      if (type === 'event' || (values[last - 1] ?? VCD_UNKNOWN) !== value) return;
      timesPs.pop();
      values.pop();
    } else if (type === 'event' || (values[last] ?? VCD_UNKNOWN) !== value) {
      timesPs.push(timePs);
      values.push(value);
    }
  }

  /** Writes what the signals are from `fromPs` to `toPs`, both included; returns how many changes there are. */
  write(
    output: (piece: string) => void,
    options: {
      readonly version: string;
      readonly comment?: string;
      readonly fromPs: number;
      readonly toPs: number;
      /** Those that are written. Default all. */
      readonly signals?: readonly WaveformSignal[];
    },
  ): number {
    const { version, comment = '', fromPs, toPs, signals: variables = this.signals } = options;
    const writer = new VcdWriter(output, { version, comment, variables });
    // An event that happens at the very beginning is no value that there is then.
    const next = variables.map(({ timesPs, type }) =>
      timesPs.findLastIndex((time) => (type === 'event' ? time < fromPs : time <= fromPs)),
    );
    writer.begin(
      fromPs,
      variables.map(({ values }, i) => values[next[i]] ?? VCD_UNKNOWN),
    );
    const changes: { readonly timePs: number; readonly variable: number; readonly value: number }[] = [];
    variables.forEach(({ timesPs, values }, variable) => {
      for (let at = next[variable] + 1; at < timesPs.length && timesPs[at] <= toPs; at++)
        changes.push({ timePs: timesPs[at], variable, value: values[at] });
    });
    changes.sort((a, b) => a.timePs - b.timePs || a.variable - b.variable);
    for (const { timePs, variable, value } of changes) writer.change(timePs, variable, value);
    writer.end(toPs);
    return changes.length;
  }
}
