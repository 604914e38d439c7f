import { FlitWire } from './flit-wire.ts';
import type { LinkOptions } from './link-options.ts';

/**
 * Flit Mode, for {@link LinkOptions} of a link of generation 6.
 *
 * TLPs have the header base and Orthogonal Header Content of Flit Mode, and neither framing nor sequence number nor LCRC.
 *
 * @example
 * const rate = { generation: 6, lanes: 16 };
 * const link = new PcieLink('link', scheduler, new Probe(scheduler), tlps, { ...options, rate, flitMode });
 */
export const flitMode: NonNullable<LinkOptions['flitMode']> = (clock, rate) => new FlitWire(clock, rate);

/** {@link flitMode} where a generation has it: what goes beside `rate` in {@link LinkOptions}. */
export function flitModeOf(generation: number): Pick<LinkOptions, 'flitMode'> {
  return generation > 5 ? { flitMode } : {};
}
